"""The accounts of one person: where parts check each other, people are told apart, and not accounts."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from typing_extensions import override

from lpse_admin.accounts import same_person
from lpse_admin.accounts.same_person import PersonalData
from models.accounts.user import User

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.orm import Session


def is_same_person(one: User, other: User) -> bool:
    """Whether two accounts are the same, or one person's."""
    return one.id == other.id or same_person.is_same_person(_data_of(one), _data_of(other))


def accounts_of_people(session: Session, agency_id: int | None, user_ids: Iterable[int]) -> frozenset[int]:
    """Return the ids of all accounts of the people whose accounts ``user_ids`` are, those included.

    Disabled ones count too, since what was done with them was done. Looked through are the accounts of the agency and
    of the installation (without an agency: all), as nobody else acts on its records.
    """
    ids = frozenset(user_ids)
    accounts = select(User.id, User.nip, User.email, User.phone)
    if agency_id is not None:
        accounts = accounts.where(or_(User.agency_id == agency_id, User.agency_id.is_(None)))
    with session.no_autoflush:
        data = {row.id: PersonalData(row.nip, row.email, row.phone) for row in session.execute(accounts)}
    people = [data[id_] for id_ in ids if id_ in data]
    same = (id_ for id_, one in data.items() if any(same_person.is_same_person(one, other) for other in people))
    return ids.union(same)


def accounts_among(user: User, people: Iterable[tuple[int | None, PersonalData]]) -> frozenset[int]:
    """Return the ids of the accounts among ``people``, with what tells whose they are, that are this user's too."""
    own = _data_of(user)
    return frozenset(id_ for id_, data in people if id_ is not None and same_person.is_same_person(own, data))


class OtherAccounts(Collection[int]):
    """The ids of a person's accounts, found when somebody asks."""

    def __init__(self, session: Session, user: User) -> None:
        """Keep whose they are."""
        self._session, self._user = session, user

    @cached_property
    def _ids(self) -> frozenset[int]:
        return accounts_of_people(self._session, self._user.agency_id, {self._user.id})

    @override
    def __contains__(self, id_: object) -> bool:
        return id_ == self._user.id or id_ in self._ids

    @override
    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    @override
    def __len__(self) -> int:
        return len(self._ids)


def _data_of(user: User) -> PersonalData:
    return PersonalData(user.nip, user.email, user.phone)
