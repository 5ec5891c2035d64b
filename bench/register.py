"""Make a demo register of a size in a database of its own: ``python -m bench.register 1000 FILE``."""

from __future__ import annotations

import sys

from sqlalchemy import text

from app import create_app
from lpse_admin.config import Environment, Settings
from models import demo
from models.database import db


def make(requests: int, path: str) -> None:
    """Fill the new SQLite database at ``path`` with ``requests`` requests, and let it look at its indexes."""
    settings = Settings(environment=Environment.DEMO, database_url=f"sqlite:///{path}", secret_key="bench" * 8)
    with create_app(settings).app_context():
        db.create_all()
        demo.make_register(db.session(), requests=requests)
        with db.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


if __name__ == "__main__":
    make(int(sys.argv[1]), sys.argv[2])
