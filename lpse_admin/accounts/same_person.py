"""Whether two accounts are one person's, who then counts once where parts check each other."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_LEAST_DIGITS = 7
_COUNTRY_CODE = "62"


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What of an account tells whose it is."""

    nip: str | None
    email: str | None
    phone: str | None


def is_same_person(one: PersonalData, other: PersonalData) -> bool:
    """Whether two accounts are one person's: the same NIP; where one has none, the same e-mail address or telephone.

    With two different NIPs they are two people, who may share the address or the telephone of their office.
    """
    nips = _digits(one.nip), _digits(other.nip)
    if all(nips):
        return nips[0] == nips[1]
    emails = _address(one.email), _address(other.email)
    phones = _number(one.phone), _number(other.phone)
    return (bool(emails[0]) and emails[0] == emails[1]) or (bool(phones[0]) and phones[0] == phones[1])


def _digits(text: str | None) -> str:
    """Return the digits of ``text``, in whatever script."""
    if text is not None and text.isascii() and text.isdigit():
        return text
    return "".join(str(unicodedata.decimal(one)) for one in text or "" if one.isdecimal())


def _address(text: str | None) -> str:
    """Return the mailbox of an e-mail address, without capitals, blanks and what follows a plus sign."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    local, at, domain = "".join(folded.split()).rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}" if local else ""


def _number(text: str | None) -> str:
    """Return a telephone number as it is dialled in Indonesia: 08…; empty for what is too short to be one."""
    digits = _digits(text)
    if digits.startswith(f"00{_COUNTRY_CODE}"):
        digits = digits[2:]
    national = f"0{digits.removeprefix(_COUNTRY_CODE).lstrip('0')}" if digits.startswith(_COUNTRY_CODE) else digits
    return national if len(national) >= _LEAST_DIGITS else ""
