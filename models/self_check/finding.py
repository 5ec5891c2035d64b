"""Findings of the self-check, from when they were first found until they were found no more."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.self_check.rules import RULES, Rule, RuleKey, Severity
from models.base import Base, IdType, PrimaryKey, ShortText, Timestamp, enum_type, partial_index
from models.hybrids import is_null
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency


class SelfCheckFinding(Base):
    """Something that a rule found wrong with a record of the register."""

    __tablename__ = "self_check_finding"
    is_office_record = True
    __table_args__ = (
        Index(
            "ix_self_check_finding_open",
            "agency_id",
            "rule",
            "record_id",
            unique=True,
            **partial_index("cleared_at IS NULL"),
        ),
        Index(None, "agency_id", "found_at", "id"),
        Index(None, "agency_id", "severity", "id"),
    )
    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "self_check_finding_stands",
            "a finding is cleared once, and keeps what it says",
            (Immutable(mutable=("cleared_at",)), Immutable("OLD.cleared_at IS NOT NULL")),
        ),
        DeleteRule("self_check_finding_kept", "a finding is cleared, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    rule: Mapped[RuleKey] = mapped_column(enum_type(RuleKey, "rule"))
    severity: Mapped[Severity] = mapped_column(enum_type(Severity, "severity"))
    #: The key of the record; which table it is in follows from the rule.
    record_id: Mapped[int] = mapped_column(IdType)
    #: How the record is called: a request's number, an asset's name.
    record_name: Mapped[ShortText]
    #: Whom or what else it is about: the name of a person, the code of an asset.
    fact: Mapped[ShortText | None]
    #: Since when it is so, where that is known.
    since: Mapped[Timestamp | None]
    found_at: Mapped[Timestamp]
    cleared_at: Mapped[Timestamp | None]

    agency: Mapped[Agency] = relationship()

    @hybrid_property
    def is_open(self) -> bool:
        """Whether it is still found."""
        return is_null(self.cleared_at)

    @property
    def definition(self) -> Rule:
        """The rule that found it."""
        return RULES[self.rule]

    def __str__(self) -> str:
        """Return how the record is called."""
        return self.record_name
