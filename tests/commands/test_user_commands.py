"""`flask user enable`, `flask user role`, and names as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.database import db
from tests.commands.test_commands import done, login, program, run  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from flask import Flask

NIP = "197901012008011001"


def stored(app: Flask, username: str) -> User:
    with app.app_context():
        return db.session.scalars(select(User).where(User.username == username)).one()


def refused(app: Flask, *words: str) -> str:
    """Run a command that has to be refused with 1, and return the reason."""
    ended = run(app, *words)
    assert (ended.exit_code, ended.stdout) == (1, "")
    return ended.stderr


def test_a_disabled_account_is_enabled_again_with_its_password(program: Flask) -> None:
    done(program, "user", "disable", "Pemohon")
    assert login(program, "pemohon", "lpse-demo-2026") == 401
    assert "diaktifkan" in done(program, "user", "enable", "PEMOHON")
    assert login(program, "pemohon", "lpse-demo-2026") == 303
    assert "sudah aktif" in refused(program, "user", "enable", "pemohon")
    assert "tidak.ada" in refused(program, "user", "enable", "tidak.ada")


def test_an_account_whose_nip_another_active_one_has_is_not_enabled(program: Flask) -> None:
    add = ("user", "add", "--name", "Staf A", "--role", "change_manager", "--agency", "lumajang", "--nip")
    done(program, *add, NIP, "staf.a")
    assert "staf.a" in refused(program, *add, "NIP. 19790101.200801.1.001", "staf.b")
    done(program, "user", "disable", "staf.a")
    done(program, *add, NIP, "staf.b")
    assert "staf.b" in refused(program, "user", "enable", "staf.a")


def test_the_roles_of_an_account_are_replaced_added_and_removed_and_its_sessions_end(program: Flask) -> None:
    version = stored(program, "pengelola").session_version
    assert "inspector" in done(program, "user", "role", "pengelola", "inspector")
    assert stored(program, "pengelola").roles == {Role.INSPECTOR}
    done(program, "user", "role", "pengelola", "--add", "change_manager", "--remove", "inspector")
    changed = stored(program, "pengelola")
    assert changed.roles == {Role.CHANGE_MANAGER}
    assert changed.session_version > version
    with program.app_context():
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.action, entry.actor_name.startswith("terminal (")) == ("user.edit", True)


def test_an_account_without_a_role_and_an_installation_without_an_administrator_are_refused(program: Flask) -> None:
    assert "peran" in refused(program, "user", "role", "pengelola", "--remove", "change_manager")
    assert "administrator" in refused(program, "user", "role", "admin", "head").lower()
    assert "terakhir" in refused(program, "user", "disable", "admin")
    assert "tidak.ada" in refused(program, "user", "role", "tidak.ada", "head")
    assert stored(program, "admin").is_active


@pytest.mark.parametrize(
    "words",
    [
        ("role", "pengelola"),
        ("role", "pengelola", "boss"),
        ("role", "pengelola", "head", "--add", "inspector"),
        ("role", "pengelola", "--add", "head", "--remove", "head"),
        ("enable",),
    ],
)
def test_wrong_use_ends_with_2(program: Flask, words: tuple[str, ...]) -> None:
    ended = run(program, "user", *words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr


def test_what_the_terminal_sets_is_a_first_password(program: Flask) -> None:
    done(program, "user", "add", "Baru.Dari.Terminal", "--name", "B", "--role", "requester", "--agency", "lumajang")
    assert stored(program, "baru.dari.terminal").is_password_initial
    done(program, "user", "reset", "pemohon")
    assert stored(program, "pemohon").is_password_initial
    assert not stored(program, "kepala").is_password_initial
