"""Copies of demo requests, moved by weeks: for registers larger than the program's operations can make in a minute.

A copy has the same events at the same hours of weeks with the same working time, so that its measured times stay
valid. It has its own ids and number, and its own copies of the template's audit entries. Notifications are not copied,
and neither are requests that depend on other records: linked to an earlier request, decided under a delegation, with
asset mutations, or with a freeze permit.
"""

from demo.copying.requests import copy_requests

__all__ = ["copy_requests"]
