"""The demo: a cast, and a register of requests as it might stand at two LPSEs after three years."""

from demo.cast import ADMINISTRATOR, CAST, PASSWORD, Account, accounts, make_cast
from demo.register import REFERENCE, first_start, make_register

__all__ = [
    "ADMINISTRATOR", "CAST", "PASSWORD", "REFERENCE", "Account", "accounts", "first_start", "make_cast",
    "make_register",
]  # fmt: skip
