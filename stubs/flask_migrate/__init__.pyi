from alembic.config import Config
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

class Migrate:
    def __init__(
        self,
        app: Flask | None = None,
        db: SQLAlchemy | None = None,
        directory: str = "migrations",
        *,
        render_as_batch: bool = True,
    ) -> None: ...
    def get_config(self, directory: str | None = None) -> Config: ...

def check(directory: str | None = None) -> None: ...
def downgrade(
    directory: str | None = None, revision: str = "-1", sql: bool = False, tag: str | None = None
) -> None: ...
def upgrade(
    directory: str | None = None, revision: str = "head", sql: bool = False, tag: str | None = None
) -> None: ...
