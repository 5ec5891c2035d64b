"""Agencies: each LPSE with its own users, papers, numbers and assets, seeing nothing of another's."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, String, UniqueConstraint, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, IdType, LongText, PrimaryKey, ShortText

if TYPE_CHECKING:
    import datetime as dt

_KEY_BYTES = 32


class Agency(Base):
    """One LPSE. Its key and names come from the first of its papers that is loaded."""

    __tablename__ = "agency"
    agency_column = "id"
    secret_columns: ClassVar[frozenset[str]] = frozenset({"paper_key"})

    id: Mapped[PrimaryKey]
    key: Mapped[ShortText] = mapped_column(unique=True)
    name: Mapped[ShortText]
    region: Mapped[ShortText]
    province: Mapped[ShortText]
    time_zone: Mapped[ShortText]
    #: What the SOP in force calls the head: "Kepala UKPBJ". None before one is enacted.
    head_title: Mapped[ShortText | None]
    #: The steps of the SOPs that are or were in force here, with a space between; None where nobody noted them.
    sop_steps: Mapped[LongText | None]
    #: Whether posts of the SOPs are held by appointment here, or steps kept apart or agreed to by others; such rows are
    #: loaded only where there are any.
    narrows_actors: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: The secret by which the codes on this office's papers are made and known again.
    paper_key: Mapped[str | None] = mapped_column(String(64), default=lambda: secrets.token_hex(_KEY_BYTES))

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this office reads its clocks."""
        return ZoneInfo(self.time_zone)

    def local_date(self, moment: dt.datetime) -> dt.date:
        """Return the date that ``moment`` has in this office."""
        return moment.astimezone(self.zone).date()

    def __str__(self) -> str:
        """Return the name that people know it by."""
        return self.name


class NumberCounter(Base):
    """The last serial given to a request of one LPSE in one year; its row lock makes the numbers gapless."""

    __tablename__ = "number_counter"
    __table_args__ = (UniqueConstraint("agency_id", "year"),)

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    year: Mapped[int]
    last: Mapped[int] = mapped_column(default=0)


def next_serial(session: Session, agency: Agency, now: dt.datetime) -> tuple[int, int]:
    """Return (year, serial) for a request submitted ``now``; given back only if the transaction fails."""
    year = now.astimezone(agency.zone).year
    counter = _locked_counter(session, agency.id, year)
    if counter is None:
        # The first of a year: whoever waited for the lock finds the row that the other made.
        lock_agency(session, agency.id)
        counter = _locked_counter(session, agency.id, year)
    if counter is None:
        counter = NumberCounter(agency_id=agency.id, year=year, last=0)
        session.add(counter)
    counter.last += 1
    session.flush()
    return year, counter.last


def lock_agency(session: Session, agency_id: int) -> None:
    """Lock the agency row until the transaction ends.

    For what two people may not begin at once: rows that do not exist yet cannot be locked themselves.
    """
    # Not FOR UPDATE: that would also wait for every transaction that has entered a row of this agency.
    session.execute(select(Agency.id).where(Agency.id == agency_id).with_for_update(key_share=True))


def _locked_counter(session: Session, agency_id: int, year: int) -> NumberCounter | None:
    return session.scalars(
        select(NumberCounter)
        .where(NumberCounter.agency_id == agency_id, NumberCounter.year == year)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def request_number(year: int, serial: int) -> str:
    """Return the number as it is written on the request: RFC/2026/0001."""
    return f"RFC/{year}/{serial:04d}"
