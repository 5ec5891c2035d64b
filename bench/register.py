"""Make a demo register of a size in a database of its own: ``python -m bench.register 1000 FILE``."""

from __future__ import annotations

import sys

import demo
from app import create_app
from lpse_admin.config import RunMode, Settings
from models.database import db


def create_register(requests: int, path: str) -> None:
    """Fill the new SQLite database at ``path`` with ``requests`` requests, and let it look at its indexes."""
    settings = Settings(run_mode=RunMode.DEMO, database_url=f"sqlite:///{path}", secret_key="bench" * 8)
    with create_app(settings).app_context():
        db.create_all()
        demo.make_register(db.session(), requests=requests)
        db.session.remove()  # the number that it returns was read in a transaction of its own
        # Past the engine, which begins a transaction by itself: within one nothing can be checkpointed.
        connection = db.engine.raw_connection()
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


if __name__ == "__main__":
    create_register(int(sys.argv[1]), sys.argv[2])
