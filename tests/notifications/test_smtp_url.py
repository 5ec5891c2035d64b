"""LPSE_SMTP_URL: valid values, and error messages that do not repeat a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.config import ConfigurationError, read_settings
from lpse_admin.notifications.addresses import read_addresses
from lpse_admin.notifications.smtp_url import MailServer, is_email_address, parse_smtp_url

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", MailServer("mail.example", 25, "lpse@mail.example")),
        ("smtp://mail.example:2525/", MailServer("mail.example", 2525, "lpse@mail.example")),
        ("smtp://127.0.0.1", MailServer("127.0.0.1", 25, "lpse@localhost")),
        ("smtp://[::1]:25", MailServer("::1", 25, "lpse@localhost")),
        ("smtps://mail.example", MailServer("mail.example", 465, "lpse@mail.example", is_tls=True)),
        (
            "smtp://u%40kab.go.id:p%3A%2F%40@mail.example",
            MailServer("mail.example", 587, "u@kab.go.id", user="u@kab.go.id", password="p:/@"),
        ),
        (
            "smtps://u:p@mail.example:465?from=rfc%40kab.go.id",
            MailServer("mail.example", 465, "rfc@kab.go.id", is_tls=True, user="u", password="p"),
        ),
    ],
)
def test_what_an_address_says_is_read(url: str, expected: MailServer) -> None:
    assert parse_smtp_url(url) == expected


def test_the_sender_is_the_setting_s_else_a_sensible_one() -> None:
    assert parse_smtp_url("smtp://mail.example", "kantor@kab.go.id").sender == "kantor@kab.go.id"
    assert parse_smtp_url("smtp://mail.example?from=a@b.go.id", "kantor@kab.go.id").sender == "a@b.go.id"
    assert parse_smtp_url("smtp://mail.example", program_host="lpse.kab.go.id").sender == "lpse@lpse.kab.go.id"
    assert parse_smtp_url("smtp://mail_1", program_host="127.0.0.1").sender == "lpse@localhost"


@pytest.mark.parametrize(
    "url",
    [
        "smtp://", "ftp://mail.example", "smtp://mail.example:0", "smtp://mail.example:port", "smtp://mail.example/box",
        "smtp://mail.example#x", "smtp://hidden@mail.example", "smtp://:hidden@mail.example", "smtp://[mail.example",
        "smtp://hidden%0d%0a:x@mail.example", "smtp://u:hidden%00@mail.example", "smtp://mail.example?to=x@y.id",
        "smtp://mail.example?from=", "smtp://mail.example?from=a@b.id&from=c@d.id", "smtp://u:hidden@mail.example?from=x",
        "smtp://mail.example?from=a@b.id%0d%0aBcc:c@d.id",
    ],
)  # fmt: skip
def test_anything_else_is_refused_without_repeating_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LPSE_SMTP_URL") as refusal:
        read_settings({"LPSE_SMTP_URL": url}, instance=tmp_path)
    assert "hidden" not in str(refusal.value)


def test_a_sender_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LPSE_MAIL_FROM"):
        read_settings({"LPSE_MAIL_FROM": "LPSE <a@b.id>"}, instance=tmp_path)
    with pytest.raises(ValueError, match="LPSE_MAIL_FROM"):
        parse_smtp_url("smtp://mail.example", "nobody")


def test_the_settings_hold_the_server_and_no_password_in_words(tmp_path: Path) -> None:
    settings = read_settings(
        {"LPSE_SMTP_URL": "smtp://u:verysecret@mail.example", "LPSE_BASE_URL": "https://lpse.kab.go.id"},
        instance=tmp_path,
    )
    assert settings.mail_server == MailServer(
        "mail.example", 587, "lpse@lpse.kab.go.id", user="u", password="verysecret", requires_starttls=True
    )
    assert "verysecret" not in repr(settings)
    assert read_settings({}, instance=tmp_path).mail_server is None


def test_the_interval_of_the_rounds_is_a_number_of_seconds(tmp_path: Path) -> None:
    assert read_settings({}, instance=tmp_path).scheduler_interval_seconds == 60
    assert read_settings({"LPSE_ROUND_SECONDS": "5"}, instance=tmp_path).scheduler_interval_seconds == 5
    for wrong in ("0", "-1", "1.5", "86401", "1000000", "٨٠", "x"):
        with pytest.raises(ConfigurationError, match="LPSE_ROUND_SECONDS"):
            read_settings({"LPSE_ROUND_SECONDS": wrong}, instance=tmp_path)


def test_an_address_is_a_plain_one() -> None:
    assert is_email_address("a.b+c@lpse.go.id")
    for wrong in ("", "a", "a@", "@b", "a b@c.id", "a@b..id", "a@b\n", "ö@b.id", "a@" + "b" * 260):
        assert not is_email_address(wrong)


@pytest.mark.parametrize(
    ("variables", "requires"),
    [
        ({"LPSE_SMTP_URL": "smtp://mail.example"}, True),
        ({"LPSE_SMTP_URL": "smtp://mail.example", "LPSE_SMTP_STARTTLS": "required"}, True),
        ({"LPSE_SMTP_URL": "smtp://mail.example", "LPSE_SMTP_STARTTLS": "optional"}, False),
        ({"LPSE_SMTP_URL": "smtp://127.0.0.1"}, False),
        ({"LPSE_SMTP_URL": "smtps://mail.example"}, False),
    ],
)
def test_a_server_on_another_machine_has_to_encrypt_unless_it_is_said_otherwise(
    variables: dict[str, str], requires: bool, tmp_path: Path
) -> None:
    server = read_settings(variables, instance=tmp_path).mail_server
    assert server is not None
    assert server.requires_starttls is requires


def test_another_word_for_encryption_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LPSE_SMTP_STARTTLS"):
        read_settings({"LPSE_SMTP_STARTTLS": "maybe"}, instance=tmp_path)


@pytest.mark.parametrize(
    ("typed", "valid", "invalid"),
    [
        ("", [], []),
        (" , ;\n", [], []),
        ("a@b.example", ["a@b.example"], []),
        ("a@b.id, c@d.id;e@f.id\ng@h.id i@j.id", ["a@b.id", "c@d.id", "e@f.id", "g@h.id", "i@j.id"], []),
        ("Inspektorat Daerah <i@b.example>\r\nArsip <a@b.example>", ["i@b.example", "a@b.example"], []),
        ("A@b.example a@B.EXAMPLE", ["A@b.example"], []),
        ("a@b.example bukan", ["a@b.example"], ["bukan"]),
        ("Nama <>; <x y@z.example>", [], ["", "x y@z.example"]),
    ],
)  # fmt: skip
def test_addresses_are_told_from_what_is_none(typed: str, valid: list[str], invalid: list[str]) -> None:
    assert read_addresses(typed) == (valid, invalid)
