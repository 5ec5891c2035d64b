"""Requests for a second person: what an administrator asks to do to an account, and who approved or refused it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, select
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.four_eyes import AccountAct, RequestState, may_owner_refuse
from lpse_admin.accounts.roles import Role
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import can_second
from models.accounts.user import User
from models.base import (
    Base,
    EnumSet,
    IdType,
    LongText,
    PrimaryKey,
    ShortText,
    Timestamp,
    enum_set_check,
    enum_type,
    partial_index,
)
from models.hybrids import first_true
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class AccountRequest(Base):
    """An act on an account that waits for a second person, or waited."""

    __tablename__ = "account_request"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name="decided_at_a_time"),
        CheckConstraint("decision <> 'waiting' AND decision <> 'expired'", name="decision_is_final"),
        enum_set_check("roles", Role),
        Index(None, "agency_id", "asked_at", "id"),
        Index("ix_account_request_open", "user_id", "act", **partial_index("decided_at IS NULL")),
    )
    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "account_request_stands",
            "a request for a second person is decided once",
            (
                Immutable(mutable=("decided_at", "decided_by_id", "decision", "refusal_reason")),
                Immutable("OLD.decided_at IS NOT NULL"),
            ),
        ),
        DeleteRule("account_request_kept", "a request for a second person is kept"),
    )

    id: Mapped[PrimaryKey]
    #: The office of the account; None for the installation.
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    user_name: Mapped[str | None] = snapshot_of("user_id")
    act: Mapped[AccountAct] = mapped_column(enum_type(AccountAct, "act"))
    #: The roles that the account is to have; None if they stay.
    roles: Mapped[tuple[Role, ...] | None] = mapped_column(EnumSet(Role))
    #: The e-mail address that it is to have; of a new account the one that it was made with.
    email: Mapped[ShortText | None]
    #: The days of the inspection, where it is to be an inspector's.
    inspects_from: Mapped[dt.date | None]
    inspects_until: Mapped[dt.date | None]
    without_second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    asked_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    asked_by_name: Mapped[str | None] = snapshot_of("asked_by_id")
    asked_by_title: Mapped[str | None] = snapshot_of("asked_by_id", "position")
    asked_at: Mapped[Timestamp]
    expires_at: Mapped[Timestamp]
    decided_at: Mapped[Timestamp | None]
    #: None where the terminal decided.
    decided_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    decided_by_name: Mapped[str | None] = snapshot_of("decided_by_id")
    decided_by_title: Mapped[str | None] = snapshot_of("decided_by_id", "position")
    decision: Mapped[RequestState | None] = mapped_column(enum_type(RequestState, "decision"))
    refusal_reason: Mapped[LongText | None]

    agency: Mapped[Agency | None] = relationship()
    user: Mapped[User] = relationship(foreign_keys=user_id)
    asked_by: Mapped[User] = relationship(foreign_keys=asked_by_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)

    @hybrid_method
    def state(self, now: dt.datetime) -> RequestState:
        """Return what it is at ``now``, in Python and in SQL."""
        return first_true(
            (self.decision == RequestState.APPROVED, RequestState.APPROVED),
            (self.decision == RequestState.REFUSED, RequestState.REFUSED),
            (self.decision == RequestState.WITHDRAWN, RequestState.WITHDRAWN),
            (self.expires_at <= now, RequestState.EXPIRED),
            default=RequestState.WAITING,
        )

    def can_be_decided_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it waits, and ``user`` may be its second person."""
        if self.state(now) is not RequestState.WAITING:
            return False
        return can_second(user, self.agency_id, asker_id=self.asked_by_id, owner_id=self.user_id)

    def can_be_refused_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it waits, and ``user`` may refuse it: as its second person, or some because the account is theirs."""
        if self.state(now) is not RequestState.WAITING:
            return False
        is_owner = user.id == self.user_id and user.id != self.asked_by_id
        return self.can_be_decided_by(user, now) or (is_owner and may_owner_refuse(self.act))

    def can_be_withdrawn_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it waits, and ``user`` asked."""
        return self.state(now) is RequestState.WAITING and user.id == self.asked_by_id

    def __str__(self) -> str:
        """Return whose account it is about."""
        return self.user_name or self.user.full_name


def waiting_requests(session: Session, user: User, now: dt.datetime) -> list[AccountRequest]:
    """Return the requests that wait about the account ``user``."""
    statement = select(AccountRequest).where(
        AccountRequest.user_id == user.id, AccountRequest.decided_at.is_(None), AccountRequest.expires_at > now
    )
    return list(session.scalars(statement.order_by(AccountRequest.id)))
