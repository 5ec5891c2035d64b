"""Create a demo register of a given size in a new database: ``python -m bench.register 1000 FILE``."""

from __future__ import annotations

import sys

from flask_migrate import upgrade

import demo
from app import create_app
from lpse_admin.config import RunMode, Settings
from models.database import db


def create_register(requests: int, path: str) -> None:
    """Create a SQLite database at ``path`` with ``requests`` requests, and checkpoint its WAL."""
    settings = Settings(run_mode=RunMode.DEMO, database_url=f"sqlite:///{path}", secret_key="bench" * 8)
    with create_app(settings).app_context():
        upgrade()
        demo.make_register(db.session(), requests=requests)
        db.session.remove()  # ends the transaction in which make_register counted
        # A raw connection, because the engine begins a transaction, and checkpoints do not work within one.
        connection = db.engine.raw_connection()
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


if __name__ == "__main__":
    create_register(int(sys.argv[1]), sys.argv[2])
