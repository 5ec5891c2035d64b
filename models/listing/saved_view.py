"""Saved views of lists, and the columns that a reader has chosen.

A view is the query of a list under a name. It may be shared with a role of the agency, and gives no right to any row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    CompoundSelect,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from models.accounts.user import User
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp, enum_type, is_storable, partial_index, session_of
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from sqlalchemy import Select

_MAX_NAME_LENGTH, _MAX_QUERY_LENGTH = 80, 4000
#: As many names as one can keep for one list.
MAX_VIEWS = 50

#: Who may share with a role. The others keep names for themselves.
_SHARING_ROLES = frozenset({Role.CHANGE_MANAGER, Role.HEAD, Role.ADMINISTRATOR})


class SavedView(Base):
    """The address of a list under a name, of one user and, where it is shared, of a role of their agency."""

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("user_id", "screen", "name"),
        CheckConstraint("shared_with IS NULL OR agency_id IS NOT NULL", name="shared_within_an_agency"),
        Index(
            "ix_saved_view_shared",
            "agency_id",
            "screen",
            **partial_index("shared_with IS NOT NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    screen: Mapped[Resource] = mapped_column(enum_type(Resource, "screen"))
    name: Mapped[str] = mapped_column(String(_MAX_NAME_LENGTH))
    #: What follows the "?" of the list's address.
    query: Mapped[LongText]
    shared_with: Mapped[Role | None] = mapped_column(enum_type(Role, "shared_with"))
    saved_at: Mapped[Timestamp]

    user: Mapped[User] = relationship()

    def alter(self, by: User, *, name: str, shared_with: Role | None) -> None:
        """Give it another name, or share it otherwise; raises NotAllowed for others, Incomplete for the fields."""
        if by.id != self.user_id:
            raise NotAllowed(_("Only the owner of a view can change it."))
        _validate(session_of(self), by, self.screen, name, shared_with, exclude_id=self.id)
        self.name, self.shared_with = _normalized_name(name), shared_with
        session_of(self).flush()

    def may_be_discarded_by(self, user: User) -> bool:
        """Whether ``user`` may remove it: who saved it and, once it is shared, an administrator of the agency."""
        is_administrator = Role.ADMINISTRATOR in user.roles and user.agency_id == self.agency_id
        return user.id == self.user_id or (self.shared_with is not None and is_administrator)

    def discard(self, by: User) -> None:
        """Remove it, also as what some list begins with; raises NotAllowed for whoever may not."""
        if not self.may_be_discarded_by(by):
            raise NotAllowed(_("Only the owner of a view can remove it."))
        session = session_of(self)
        for choice in session.scalars(select(ListPreference).where(ListPreference.default_view_id == self.id)):
            choice.default_view_id = None
        session.flush()
        session.delete(self)
        session.flush()


class ListPreference(Base):
    """How one user has one list: its columns in order, and the view that it begins with."""

    __tablename__ = "list_choice"
    __table_args__ = (UniqueConstraint("user_id", "screen"), Index(None, "default_view_id"))

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    screen: Mapped[Resource] = mapped_column(enum_type(Resource, "screen"))
    #: Keys of columns between commas, as the address has them; None for the list's own.
    columns: Mapped[LongText | None]
    default_view_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("saved_view.id"))


@dataclass(frozen=True, slots=True)
class NamedView:
    """A saved view as a list offers it."""

    id: int
    name: str
    query: str
    is_own: bool
    shared_with: Role | None


@dataclass(frozen=True, slots=True)
class LoadedPreference:
    """What one user has kept of one list: columns ("" for the list's own), views by name, the one it begins with."""

    columns: str = ""
    views: tuple[NamedView, ...] = ()
    default_view: NamedView | None = None


def load_list_preference(session: Session, user: User, screen: Resource) -> LoadedPreference:
    """Return what ``user`` has kept of the list of ``screen``, in one statement."""
    rows = session.connection().execute(
        _PREFERENCE_STATEMENT,
        {"user": user.id, "agency": user.agency_id, "roles": _role_keys(user.roles), "screen": screen.value},
    )
    columns, default_id, views = "", None, []
    for is_choice, id_, name, query, owner_id, shared_with in rows:
        if is_choice:
            columns, default_id = query or "", id_
        else:
            views.append(NamedView(id_, name, query, owner_id == user.id, Role(shared_with) if shared_with else None))
    views.sort(key=lambda view: (view.name.casefold(), view.id))
    return LoadedPreference(columns, tuple(views), next((view for view in views if view.id == default_id), None))


def visible_to(
    user: int | ColumnElement[int],
    agency: int | ColumnElement[int] | None,
    roles: Sequence[str] | ColumnElement[str],
) -> ColumnElement[bool]:
    """Return the criterion for the views that are somebody's own, or shared with a role of theirs."""
    shared = and_(SavedView.agency_id == agency, SavedView.shared_with.is_not(None))
    return or_(SavedView.user_id == user, and_(shared, type_coerce(SavedView.shared_with, String).in_(roles)))


def _role_keys(roles: Collection[Role]) -> list[str]:
    return sorted(role.value for role in roles)


#: With every list, so put together once.
_PREFERENCE_STATEMENT: CompoundSelect[Any] = union_all(
    select(
        literal(1),
        ListPreference.default_view_id,
        null(),
        ListPreference.columns,
        ListPreference.user_id,
        null(),
    ).where(
        ListPreference.user_id == bindparam("user"),
        type_coerce(ListPreference.screen, String) == bindparam("screen"),
    ),
    select(
        literal(0),
        SavedView.id,
        SavedView.name,
        SavedView.query,
        SavedView.user_id,
        type_coerce(SavedView.shared_with, String),
    ).where(
        type_coerce(SavedView.screen, String) == bindparam("screen"),
        visible_to(bindparam("user"), bindparam("agency"), bindparam("roles", expanding=True)),
    ),
)


def may_share(user: User) -> bool:
    """Whether ``user`` may share views with a role of their agency."""
    return user.agency_id is not None and not _SHARING_ROLES.isdisjoint(user.roles)


def save_columns(session: Session, user: User, screen: Resource, keys: Sequence[str]) -> None:
    """Keep which columns ``user`` wants in the list of ``screen``, in order; none for the list's own."""
    choice = _load_or_create_preference(session, user, screen)
    choice.columns = ",".join(keys) or None
    session.flush()


def set_default_view(session: Session, user: User, screen: Resource, view: SavedView | None) -> None:
    """Let the list of ``screen`` begin with ``view``, or as the program has it."""
    choice = _load_or_create_preference(session, user, screen)
    choice.default_view_id = None if view is None else view.id
    session.flush()


def _load_or_create_preference(session: Session, user: User, screen: Resource) -> ListPreference:
    result = session.scalars(
        select(ListPreference)
        .where(ListPreference.user_id == user.id, ListPreference.screen == screen)
        .with_for_update()
    ).one_or_none()
    if result is None:
        result = ListPreference(user_id=user.id, agency_id=user.agency_id, screen=screen)
        session.add(result)
    return result


def save_view(  # noqa: PLR0913 - the parts of a saved view
    session: Session,
    user: User,
    screen: Resource,
    *,
    name: str,
    query: str,
    shared_with: Role | None,
    replaces: bool,
    now: dt.datetime,
) -> SavedView:
    """Keep ``query`` under ``name`` and return it; ``replaces`` lets it take the place of one of the same name.

    Raises Incomplete with a sentence beside ``name`` or ``shared_with``.
    """
    same = _own_views(user, screen).where(SavedView.name == _normalized_name(name))
    former = session.scalars(same).one_or_none() if is_storable(name) else None
    _validate(session, user, screen, name, shared_with, exclude_id=former.id if former and replaces else None)
    if len(query) > _MAX_QUERY_LENGTH:
        raise ValidationFailed(_("This address is too long to save."))
    if former is None:
        former = SavedView(user_id=user.id, agency_id=user.agency_id, screen=screen, name=_normalized_name(name))
        session.add(former)
    former.query, former.shared_with, former.saved_at = query, shared_with, now
    session.flush()
    return former


def _own_views(user: User, screen: Resource) -> Select[Any]:
    return select(SavedView).where(SavedView.user_id == user.id, SavedView.screen == screen)


def _normalized_name(name: str) -> str:
    return " ".join(name.split())


def _validate(
    session: Session, user: User, screen: Resource, name: str, shared_with: Role | None, exclude_id: int | None
) -> None:
    """Raise Incomplete with a sentence beside each part that cannot be kept; ``exclude_id`` may have the same name."""
    faults: dict[str, Message] = {}
    plain = _normalized_name(name)
    if not plain:
        faults["name"] = _("Enter a name for the view.")
    elif fault := text_error(plain, max_length=_MAX_NAME_LENGTH):
        faults["name"] = fault
    else:
        faults |= _duplicate_errors(session, user, screen, plain, exclude_id)
    if shared_with is not None and not may_share(user):
        faults["shared_with"] = _("Your role cannot share views.")
    if faults:
        raise ValidationFailed(_("The view cannot be saved with these values."), field_errors=faults)


def _duplicate_errors(
    session: Session, user: User, screen: Resource, name: str, exclude_id: int | None
) -> dict[str, Message]:
    same = session.scalar(
        select(SavedView.id).where(SavedView.id.in_(_own_view_ids(user, screen)), SavedView.name == name)
    )
    if same is not None and same != exclude_id:
        return {"name": _("You already have a view with this name for this list.")}
    count = session.scalar(select(func.count()).select_from(_own_view_ids(user, screen).subquery())) or 0
    if exclude_id is None and count >= MAX_VIEWS:
        return {"name": _("You already have %(most)s views for this list, the maximum.", most=MAX_VIEWS)}
    return {}


def _own_view_ids(user: User, screen: Resource) -> Select[Any]:
    return select(SavedView.id).where(SavedView.user_id == user.id, SavedView.screen == screen)
