"""The demo: user accounts, and a register of requests of two LPSEs over three years."""

from demo.cast import ADMINISTRATOR, CAST, PASSWORD, Account, accounts, make_cast
from demo.register import REFERENCE, first_start, make_register

__all__ = [
    "ADMINISTRATOR", "CAST", "PASSWORD", "REFERENCE", "Account", "accounts", "first_start", "make_cast",
    "make_register",
]  # fmt: skip
