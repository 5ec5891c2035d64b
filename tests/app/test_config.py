"""Settings from the environment, and the error message for each invalid one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app import create_app
from lpse_admin.config import (
    ConfigurationError,
    LoginLimit,
    RunMode,
    Settings,
    UploadLimit,
    driver_options,
    read_settings,
)
from models.database import db
from tests.support.program import close_app
from tests.support.servers.certificates import make_certificates

KEY = "k" * 32
PRODUCTION = {"LPSE_ENV": "production", "LPSE_SECRET_KEY": KEY, "LPSE_DATABASE_URL": "postgresql://lpse@db/lpse"}


def test_without_any_setting_it_is_the_demo_on_the_machine_itself(tmp_path: Path) -> None:
    settings = read_settings({}, instance=tmp_path)
    assert settings.is_demo
    assert (settings.host, settings.port) == ("127.0.0.1", 5000)
    assert settings.database_url == f"sqlite:///{tmp_path / 'lpse.db'}"
    assert settings.login_limit == LoginLimit(5, 15)
    assert (settings.base_url, settings.smtp_url, settings.time_zone) == (None, None, None)


def test_the_demo_s_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    first = read_settings({}, instance=tmp_path / "new").secret_key
    assert len(first) >= 32
    assert read_settings({}, instance=tmp_path / "new").secret_key == first
    assert stat.S_IMODE((tmp_path / "new" / "secret-key").stat().st_mode) == 0o600


def test_a_kept_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("short")
    with pytest.raises(ConfigurationError, match="secret-key"):
        read_settings({}, instance=tmp_path)


def test_an_instance_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="LPSE_DATABASE_URL"):
        read_settings({}, instance=tmp_path / "file" / "instance")


def test_a_key_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret-key").symlink_to(tmp_path / "nowhere" / "key")
    with pytest.raises(ConfigurationError, match="LPSE_SECRET_KEY"):
        read_settings({}, instance=tmp_path)


@pytest.mark.parametrize("name", ["LPSE_SECRET_KEY", "LPSE_DATABASE_URL"])
def test_production_does_not_start_without_its_key_and_its_database(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read_settings({**PRODUCTION, name: " "}, instance=tmp_path)
    assert not list(tmp_path.iterdir())


def test_production_with_all_it_needs_serves_others_and_writes_nothing(tmp_path: Path) -> None:
    settings = read_settings({**PRODUCTION, "LPSE_HOST": "0.0.0.0", "LPSE_PORT": "80"}, instance=tmp_path)  # noqa: S104 - what production may do
    assert settings.run_mode is RunMode.PRODUCTION
    assert (settings.host, settings.port) == ("0.0.0.0", 80)  # noqa: S104
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("query", "rest", "options"),
    [
        ("", "", {}),
        ("?prepare_threshold=0", "", {"prepare_threshold": None}),
        ("?prepare_threshold=none&sslmode=require", "?sslmode=require", {"prepare_threshold": None}),
        ("?sslmode=require&prepare_threshold=7", "?sslmode=require", {"prepare_threshold": 7}),
    ],
)
def test_what_is_prepared_on_the_server_is_said_in_the_address(
    query: str, rest: str, options: dict[str, int | None], tmp_path: Path
) -> None:
    settings = read_settings({"LPSE_DATABASE_URL": f"postgresql://u@h/d{query}"}, instance=tmp_path)
    assert driver_options(settings.database_url) == (f"postgresql+psycopg://u@h/d{rest}", options)


def test_a_file_of_sqlite_may_have_any_name(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a?prepare_threshold=0"
    assert driver_options(url) == (url, {})


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_every_way_to_write_postgresql_means_the_one_driver(given: str, tmp_path: Path) -> None:
    assert read_settings({"LPSE_DATABASE_URL": given}, instance=tmp_path).database_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LPSE_ENV", "staging"),
        ("LPSE_DATABASE_URL", "mysql://u@h/d"),
        ("LPSE_DATABASE_URL", "postgresql://u@h/d?prepare_threshold=never"),
        ("LPSE_DATABASE_URL", "lpse.db"),
        ("LPSE_DATABASE_URL", "postgresql+psycopg2://u@h/d"),
        ("LPSE_SECRET_KEY", "short"),
        ("LPSE_HOST", "0.0.0.0"),  # noqa: S104
        ("LPSE_HOST", "192.168.1.4"),
        ("LPSE_HOST", "lpse.example"),
        ("LPSE_PORT", "http"),
        ("LPSE_PORT", "0"),
        ("LPSE_PORT", "65536"),
        ("LPSE_PORT", "٨٠"),
        ("LPSE_BASE_URL", "lpse.example"),
        ("LPSE_BASE_URL", "https://lpse.example/?a=b"),
        ("LPSE_SMTP_URL", "mail.example:25"),
        ("LPSE_SMTP_URL", "smtp://mail.example:port"),
        ("LPSE_LOGIN_LIMIT", "5"),
        ("LPSE_LOGIN_LIMIT", "0/15"),
        ("LPSE_LOGIN_LIMIT", "5/0"),
        ("LPSE_UPLOAD_LIMIT", "500"),
        ("LPSE_UPLOAD_LIMIT", "0/5"),
        ("LPSE_UPLOAD_LIMIT", "5/0"),
        ("LPSE_UPLOAD_LIMIT", "5/5/5"),
        ("LPSE_UPLOAD_LIMIT", "1e3/5"),
        ("LPSE_UPLOAD_LIMIT", "1000000/5"),
        ("LPSE_UPLOAD_LIMIT", "٥/5"),
        ("LPSE_PROXIES", "-1"),
        ("LPSE_PROXIES", "10"),
        ("LPSE_PROXIES", "all"),
        ("LPSE_TIMEZONE", "WIB"),
        ("LPSE_TIMEZONE", "../etc/passwd"),
        ("LPSE_AUDIT_KEY", "pendek"),
        ("LPSE_ANCHOR_TO", "arsip@pusat.example, bukan alamat"),
        ("LPSE_TSA_URL", "https://tsa.example/tsr"),
        ("LPSE_TSA_URL", "ftp://tsa.example"),
        ("LPSE_TSA_URL", "http://nama:sandi@tsa.example"),
        ("LPSE_TSA_URL", "http://tsa.example:port"),
        ("LPSE_TSA_CA", "/tidak/ada.pem"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read_settings({name: value}, instance=tmp_path)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    wrong = {"LPSE_PORT": "http", "LPSE_TIMEZONE": "WIB", "LPSE_LOGIN_LIMIT": "5", "LPSE_SMTP_URL": "mail:25"}
    with pytest.raises(ConfigurationError) as refusal:
        read_settings(wrong, instance=tmp_path)
    assert len(refusal.value.faults) == len(wrong)
    assert all(any(name in str(fault) for fault in refusal.value.faults) for name in wrong)


def test_a_database_in_a_folder_that_is_not_there_is_refused_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with pytest.raises(ConfigurationError, match=str(folder)):
        read_settings({"LPSE_DATABASE_URL": f"sqlite:///{folder}/lpse.db"}, instance=tmp_path)
    folder.mkdir()
    read_settings({"LPSE_DATABASE_URL": f"sqlite:///{folder}/lpse.db"}, instance=tmp_path)
    read_settings({"LPSE_DATABASE_URL": "sqlite:///lpse.db"}, instance=tmp_path)


def test_a_database_that_cannot_be_written_is_refused_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # permissions do not bind whoever runs the tests as root
    with pytest.raises(ConfigurationError, match=r"lpse\.db"):
        read_settings({"LPSE_DATABASE_URL": f"sqlite:///{tmp_path}/lpse.db"}, instance=tmp_path)


def test_no_other_user_of_the_machine_can_read_the_database(tmp_path: Path) -> None:
    database = tmp_path / "lpse.db"
    app = create_app(Settings(RunMode.DEMO, f"sqlite:///{database}", KEY))
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE something (id INTEGER)")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    close_app(app)
    assert set(modes.values()) == {0o600}
    assert len(modes) > 1  # the journal beside it too


def test_a_database_that_others_could_read_is_closed_to_them_and_stays_open_to_its_group(tmp_path: Path) -> None:
    database = tmp_path / "lpse.db"
    database.touch()
    database.chmod(0o644)
    close_app(create_app(Settings(RunMode.DEMO, f"sqlite:///{database}", KEY)))
    assert stat.S_IMODE(database.stat().st_mode) == 0o640


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_the_demo_listens_on_the_machine_itself(host: str, tmp_path: Path) -> None:
    assert read_settings({"LPSE_HOST": host}, instance=tmp_path).host == host


def test_right_values_are_taken(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "LPSE_BASE_URL": "https://lpse.example/rfc/",
            "LPSE_SMTP_URL": "smtps://u:secret@mail.example:465",
            "LPSE_LOGIN_LIMIT": "3/60",
            "LPSE_UPLOAD_LIMIT": "50/900",
            "LPSE_PROXIES": "2",
            "LPSE_TIMEZONE": "Asia/Makassar",
            "LPSE_SECRET_KEY": KEY,
            "LPSE_AUDIT_KEY": KEY[::-1] + "segel",
            "LPSE_AUDIT_FORMER_KEYS": "kunci-lama kunci-lebih-lama",
            "LPSE_ANCHOR_TO": "arsip@pusat.example, Inspektorat <i@pusat.example>",
        },
        instance=tmp_path,
    )
    assert settings.base_url == "https://lpse.example/rfc"
    assert settings.smtp_url == "smtps://u:secret@mail.example:465"
    assert settings.login_limit == LoginLimit(3, 60)
    assert settings.upload_limit == UploadLimit(user_mib=50, office_mib=900)
    assert settings.proxies == 2
    assert settings.time_zone == "Asia/Makassar"
    assert settings.audit_key == KEY[::-1] + "segel"
    assert settings.former_audit_keys == ("kunci-lama", "kunci-lebih-lama")
    assert settings.anchor_addresses == ("arsip@pusat.example", "i@pusat.example")
    assert (settings.tsa_url, settings.tsa_ca) == (None, None)


def test_no_secret_is_repeated_in_words(tmp_path: Path) -> None:
    settings = read_settings({**PRODUCTION, "LPSE_SMTP_URL": "smtp://u:secret@mail.example"}, instance=tmp_path)
    assert KEY not in repr(settings)
    assert "secret" not in repr(settings).replace("secret_key", "")
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"LPSE_SMTP_URL": "ftp://u:hidden@mail.example"}, instance=tmp_path)
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize("command", [["app.py"], ["-m", "flask", "sop", "list"]])
def test_the_program_ends_with_2_and_one_sentence_on_a_wrong_setting(command: list[str]) -> None:
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env={**os.environ, "LPSE_PORT": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == "LPSE_PORT berisi “none”; isinya harus angka dari 1 sampai 65535.\n"


@pytest.mark.parametrize("content", [None, "", "bukan sertifikat"])
def test_a_file_without_a_certificate_is_refused_at_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="LPSE_SMTP_CA"):
        read_settings({"LPSE_SMTP_CA": str(path)}, instance=tmp_path)


def test_the_file_of_the_region_s_certificates_is_passed_on_to_the_mail_server(tmp_path: Path) -> None:
    ca_file, _context = make_certificates(tmp_path)
    variables = {"LPSE_SMTP_CA": str(ca_file)}
    assert read_settings(variables, instance=tmp_path).mail_server is None
    variables["LPSE_SMTP_URL"] = "smtps://surel.example.go.id"
    server = read_settings(variables, instance=tmp_path).mail_server
    assert server is not None
    assert server.ca_file == str(ca_file)
    del variables["LPSE_SMTP_CA"]
    without = read_settings(variables, instance=tmp_path).mail_server
    assert without is not None
    assert without.ca_file is None


def test_dossiers_are_kept_beside_the_file_of_sqlite_else_in_the_instance_folder_or_where_it_is_said(
    tmp_path: Path,
) -> None:
    neighbour = read_settings({"LPSE_DATABASE_URL": f"sqlite:///{tmp_path}/lpse.db"}, instance=tmp_path)
    assert neighbour.dossier_folder == tmp_path / "lpse.db.dossiers"
    server = read_settings({"LPSE_DATABASE_URL": "postgresql://u@h/lpse?sslmode=require"}, instance=tmp_path)
    assert (server.dossier_folder.parent.name, server.dossier_folder.name) == ("instance", "lpse.dossiers")
    assert Settings(RunMode.DEMO, "sqlite://", KEY).dossier_folder.name == "memory.dossiers"
    assert read_settings({"LPSE_DOSSIER_FOLDER": str(tmp_path)}, instance=tmp_path).dossier_folder == tmp_path
    for wrong in (str(tmp_path / "nowhere"), "."):
        with pytest.raises(ConfigurationError, match="LPSE_DOSSIER_FOLDER"):
            read_settings({"LPSE_DOSSIER_FOLDER": wrong}, instance=tmp_path)


def test_a_time_stamp_server_is_named_with_the_certificates_that_its_own_leads_to(tmp_path: Path) -> None:
    ca_file, _context = make_certificates(tmp_path)
    variables = {"LPSE_TSA_URL": "https://tsa.example.go.id/tsr?a=1", "LPSE_TSA_CA": str(ca_file)}
    settings = read_settings(variables, instance=tmp_path)
    assert (settings.tsa_url, settings.tsa_ca) == ("https://tsa.example.go.id/tsr?a=1", str(ca_file))
