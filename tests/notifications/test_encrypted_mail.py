"""Mail over STARTTLS: a server that has to encrypt and does not offer it gets nothing."""

from __future__ import annotations

from dataclasses import replace

from lpse_admin.notifications.smtp_url import MailServer
from models.notifications.smtp_client import connection_error
from tests.support.servers.mail_server import running_server


def test_a_server_without_starttls_gets_nothing_where_encryption_is_required() -> None:
    with running_server() as box:
        server = MailServer("127.0.0.1", box.port, "lpse@lpse.example", requires_starttls=True)
        assert "STARTTLS" in str(connection_error(server))
        assert connection_error(replace(server, requires_starttls=False)) is None
