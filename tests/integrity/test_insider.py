"""Whoever writes to the database past the program is caught, in every table and every column, on both databases."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from models.audit.verification import chain_anchors
from models.base import Base
from models.integrity import run
from models.integrity.findings import FindingKind
from models.integrity.rows.coverage import CHECKED_OTHERWISE, NOT_VERIFIED, UNTOLD_COLUMNS, told_tables
from models.integrity.run import Report, verify_register
from tests.support import insider
from tests.support.cast import open_session
from tests.support.play import fill_every_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.audit.anchors import Anchor
    from tests.conftest import NewDatabase

TOLD = {told.name: told for told in told_tables()}
DERIVED = sorted(set(CHECKED_OTHERWISE) - {"audit_entry", "audit_row", "audit_chain"})


@dataclass
class Register:
    """A filled register, what an insider did to it, and what a verification with yesterday's anchors said."""

    url: str
    anchors: list[Anchor]
    done: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    def verify(self) -> Report:
        with open_session(self.url) as session, pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, "MAX_FINDINGS", 100_000)
            self.report = verify_register(session, anchors=self.anchors)
        return self.report

    def found(self, table: str) -> set[tuple[str | None, str | None, FindingKind]]:
        return {(one.row, one.column, one.kind) for one in self.report.findings if one.table == table}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@contextmanager
def filled(kind: Any, new_database: NewDatabase) -> Iterator[Register]:
    with new_database(kind) as url:
        with open_session(url) as session:
            fill_every_table(session)
            anchors = chain_anchors(session)
            assert verify_register(session, anchors=anchors).findings == []
        yield Register(url, anchors)


def note(register: Register, table: str, key: tuple[Any, ...], column: str | None = None) -> None:
    register.done.setdefault(table, set()).add(("/".join(map(str, key)), column))


@pytest.fixture(scope="module")
def edited(kind: Any, new_database: NewDatabase) -> Iterator[Register]:
    """Change each column of one row of each table."""
    with filled(kind, new_database) as register:
        with insider.insider(register.url) as connection:
            for name, told in TOLD.items():
                key = insider.keys(connection, told.table)[0]
                where = insider.where_key(told.table, key)
                for column in told.table.columns:
                    is_told = column.name in told.columns and not column.primary_key
                    if is_told and insider.edit(connection, told.table, column, where):
                        note(register, name, key, column.name)
        register.verify()
        yield register


@pytest.mark.parametrize("table", TOLD)
def test_a_changed_value_is_found_with_its_row_and_column(edited: Register, table: str) -> None:
    done = edited.done.get(table, set())
    assert done, "the database refused every change"
    assert {(*one, FindingKind.CHANGED) for one in done} <= edited.found(table)


@pytest.fixture(scope="module")
def deleted(kind: Any, new_database: NewDatabase) -> Iterator[Register]:
    """Remove one row of each table."""
    with filled(kind, new_database) as register:
        with insider.insider(register.url) as connection:
            for name, told in TOLD.items():
                key = insider.keys(connection, told.table)[-1]
                connection.exec_driver_sql(f"DELETE FROM {name} WHERE {insider.where_key(told.table, key)}")
                note(register, name, key)
        register.verify()
        yield register


@pytest.mark.parametrize("table", TOLD)
def test_a_removed_row_is_found(deleted: Register, table: str) -> None:
    assert {(*one, FindingKind.MISSING) for one in deleted.done[table]} <= deleted.found(table)


@pytest.fixture(scope="module")
def inserted(kind: Any, new_database: NewDatabase) -> Iterator[Register]:
    """Add a row to each table, like one that is there."""
    with filled(kind, new_database) as register:
        with insider.insider(register.url) as connection:
            for name, told in TOLD.items():
                where = insider.where_key(told.table, insider.keys(connection, told.table)[0])
                if new := insider.copy_row(connection, told.table, where):
                    note(register, name, (new,))
        register.verify()
        yield register


@pytest.mark.parametrize("table", TOLD)
def test_an_added_row_is_found(inserted: Register, table: str) -> None:
    assert inserted.done.get(table), "the database refused the row"
    assert {(*one, FindingKind.ADDED) for one in inserted.done[table]} <= inserted.found(table)


@pytest.fixture(scope="module")
def swapped(kind: Any, new_database: NewDatabase) -> Iterator[Register]:
    """Let two rows of each table exchange what they say."""
    with filled(kind, new_database) as register:
        with insider.insider(register.url) as connection:
            for name, told in TOLD.items():
                if told.has_number_key and (pair := insider.different_rows(connection, told.table)):
                    insider.swap(connection, told.table, *pair)
                    for key in pair:
                        note(register, name, (key,))
        register.verify()
        yield register


#: Of these one row is all that there can be, or all that there is, or all rows here say the same.
SINGLE = {
    "absence", "approval", "asset_review", "asset_review_item", "asset_update", "delegation", "file_content",
    "freeze_permit", "implementation", "report", "rollback", "test_run", "verification",
}  # fmt: skip


@pytest.mark.parametrize("table", sorted(TOLD.keys() - SINGLE))
def test_two_rows_that_were_swapped_are_found(swapped: Register, table: str) -> None:
    assert {key for key, _column in swapped.done[table]} == {row for row, _column, _kind in swapped.found(table)}


@pytest.fixture(scope="module")
def miscounted(kind: Any, new_database: NewDatabase) -> Iterator[Register]:
    """Change, in each table that is made of others, a row."""
    with filled(kind, new_database) as register:
        with insider.insider(register.url) as connection:
            for name in DERIVED:
                table = Base.metadata.tables[name]
                key = insider.keys(connection, table)[0]
                where = insider.where_key(table, key)
                column = next(
                    one
                    for one in reversed(list(table.columns))
                    if not one.primary_key and not one.foreign_keys and one.name != "is_merged"
                )
                assert insider.edit(connection, table, column, where), name
        register.verify()
        yield register


@pytest.mark.parametrize("table", DERIVED)
def test_a_summary_that_was_changed_is_found(miscounted: Register, table: str) -> None:
    assert FindingKind.DERIVED in {kind for _row, _column, kind in miscounted.found(table)}


def test_every_table_is_compared_or_has_a_reason_why_not() -> None:
    names = set(Base.metadata.tables)
    assert names == TOLD.keys() | CHECKED_OTHERWISE.keys() | NOT_VERIFIED.keys()
    assert not TOLD.keys() & (CHECKED_OTHERWISE.keys() | NOT_VERIFIED.keys())
    for name, columns in UNTOLD_COLUMNS.items():
        assert columns.keys() <= set(Base.metadata.tables[name].columns.keys())
    # A password is another even though the trail never says which one it was.
    assert "password_hash" in TOLD["user_account"].columns


def test_a_verification_of_what_nobody_touched_finds_nothing(kind: Any, new_database: NewDatabase) -> None:
    with filled(kind, new_database) as register:
        report = register.verify()
        assert (report.found, report.findings) == (0, [])
        assert report.rows > 100
        assert report.entries == sum(anchor.number for anchor in register.anchors)
