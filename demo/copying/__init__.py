"""More demo requests than the program's own operations can make in a minute: copies of those, weeks earlier or later.

A copy is the same request at the same hours of other weeks that had the same working time, so that all that was
measured of it holds. It has ids and a number of its own, and in the audit trail an entry for each of its template's.
Not copied are notifications, and requests that are bound to others: that follow another, were decided by a delegate,
changed the asset list, or were allowed in a freeze.
"""

from demo.copying.requests import copy_requests

__all__ = ["copy_requests"]
