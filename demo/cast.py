"""The demo accounts: the same seven people at every LPSE, and one administrator of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.accounts.inspection import InspectionDates
from lpse_admin.accounts.roles import Role
from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD
from models.accounts.user import User, hash_password
from models.sops.sop import SopRevision

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from models.office.agency import Agency

#: The password of all accounts. Only for demo mode, which listens on localhost only.
PASSWORD = DEMO_PASSWORD
ADMINISTRATOR = "admin"
_SALT = b"the demo is known to all"
_UNDATED = InspectionDates()


@dataclass(frozen=True, slots=True)
class Figure:
    """One member of the cast: username, names at the first office, the second and so on in turn, role, position."""

    username: str
    full_names: tuple[str, ...]
    role: Role
    position: str


CAST = (
    Figure("pemohon", ("Ani Lestari", "Hendra Wijaya"), Role.REQUESTER, "PPK"),
    Figure("pemohon2", ("Bagus Pratama", "Intan Permata"), Role.REQUESTER, "Pokja Pemilihan"),
    Figure("pengelola", ("Citra Dewanti", "Joko Purnomo"), Role.CHANGE_MANAGER, "Administrator Sistem"),
    Figure("pengelola2", ("Dimas Saputra", "Kartika Sari"), Role.CHANGE_MANAGER, "Administrator Jaringan"),
    Figure("kepala", ("Endah Kusuma", "Lukman Hidayat"), Role.HEAD, "Kepala LPSE"),
    Figure("plh", ("Fajar Nugroho", "Maya Anggraini"), Role.CHANGE_MANAGER, "Sekretaris LPSE"),
    Figure("pemeriksa", ("Gita Maharani", "Nanda Prakoso"), Role.INSPECTOR, "Auditor Inspektorat"),
)


@dataclass(frozen=True, slots=True)
class Player:
    """A user of an office, as a plain value for the scenario."""

    id: int
    username: str
    name: str
    roles: frozenset[Role]
    email: str | None
    #: The address in the audit trail.
    ip_address: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the cast with its password, to be printed."""

    username: str
    full_name: str
    roles: tuple[Role, ...]
    agency: str
    password: str = PASSWORD


def make_cast(session: Session, now: dt.datetime, inspection: InspectionDates = _UNDATED) -> list[Account]:
    """Create the missing accounts for every agency with a loaded SOP, and return the new ones.

    ``inspection`` has the days on which the accounts of inspectors may be used.
    The caller sets the audit context (``models.audit.trail``) and commits. NIPs are computed from the year of ``now``.
    """
    known = set(session.scalars(select(User.username)))
    hashed = _hash_of_the_password()
    created = []
    for number, (agency, suffix) in enumerate(_agencies(session)):
        for index, figure in enumerate(CAST):
            if figure.username + suffix not in known:
                nip = None if figure.role is Role.REQUESTER else _nip(now, number, index)
                created.append(_user(figure, agency, number, suffix, nip, hashed))
    if ADMINISTRATOR not in known:
        figure = Figure(ADMINISTRATOR, ("Administrator",), Role.ADMINISTRATOR, "Administrator")
        created.append(_user(figure, None, 0, "", None, hashed))
    for user in created:
        if Role.INSPECTOR in user.roles:
            user.inspects_from, user.inspects_until = inspection.first, inspection.last
    session.add_all(created)
    session.flush()
    return [_account(user) for user in created]


def accounts(session: Session) -> list[Account]:
    """Return the existing accounts of the cast by agency, the administrator last."""
    names = [figure.username + suffix for _agency, suffix in _agencies(session) for figure in CAST]
    users = {
        user.username: user for user in session.scalars(select(User).where(User.username.in_([*names, ADMINISTRATOR])))
    }
    return [_account(users[name]) for name in [*names, ADMINISTRATOR] if name in users]


def players(session: Session, agency: Agency) -> dict[Role, tuple[Player, ...]]:
    """Return the active users of an agency by role, by id."""
    users = session.scalars(select(User).where(User.agency_id == agency.id, User.is_active).order_by(User.id)).all()
    everybody = [_player(user, number) for number, user in enumerate(users, start=10)]
    return {role: tuple(player for player in everybody if role in player.roles) for role in Role}


def administrator_of(session: Session) -> Player | None:
    """Return the first administrator of the installation, if there is one."""
    everywhere = select(User).where(User.is_administrator, User.is_active, User.agency_id.is_(None))
    user = session.scalars(everywhere.order_by(User.id)).first()
    return None if user is None else _player(user, 1)


def _player(user: User, number: int) -> Player:
    return Player(user.id, user.username, user.full_name, user.roles, user.email, f"192.0.2.{number}")


def _agencies(session: Session) -> list[tuple[Agency, str]]:
    """Return each agency with an SOP, and the unique suffix of its usernames."""
    agencies: list[tuple[Agency, str]] = []
    for revision in session.scalars(select(SopRevision).order_by(SopRevision.id)):
        if all(agency is not revision.agency for agency, _suffix in agencies):
            suffix = revision.sop.agency.account_suffix
            if any(suffix == taken for _agency, taken in agencies):
                suffix = f".{revision.agency.key}"
            agencies.append((revision.agency, suffix))
    return agencies


def _user(figure: Figure, agency: Agency | None, number: int, suffix: str, nip: str | None, hashed: str) -> User:
    username = figure.username + suffix
    user = User(
        agency=agency,
        username=username,
        full_name=figure.full_names[number % len(figure.full_names)],
        nip=nip,
        position=figure.position,
        institution=agency.name if agency else None,
        email=f"{username}@example.invalid",
        password_hash=hashed,
    )
    user.roles = [figure.role]
    return user


def _hash_of_the_password() -> str:
    """Return one hash for the whole cast, because hashing is slow; always the same, since the trail tells of it."""
    return hash_password(PASSWORD, salt=_SALT)


def _nip(now: dt.datetime, agency: int, index: int) -> str:
    """Return a well-formed NIP (8-6-1-3 digits) of nobody: date of birth, month of appointment, sex, serial."""
    born, appointed = now.year - 45 + index, now.year - 20 + index
    return f"{born}0101{appointed}011{900 + agency * 10 + index}"


def _account(user: User) -> Account:
    return Account(user.username, user.full_name, tuple(sorted(user.roles)), user.agency.name if user.agency else "")
