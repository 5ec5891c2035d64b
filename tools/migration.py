"""Drafts the next migration: `make migration NAME='add a column'`.

The migrations there are make an empty database of SQLite, and Alembic compares it with the models. What comes out is a
draft: read it, write what it does to rows, and see CONTRIBUTING.md.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from alembic import command
from alembic.script import Script
from flask import Flask
from flask_migrate import Migrate, upgrade

from models.database import db
from models.migrations.autogenerate import write_triggers

if TYPE_CHECKING:
    from alembic.operations import MigrationScript

FOLDER = Path(__file__).resolve().parents[1] / "models" / "migrations"


def draft(name: str, folder: Path = FOLDER) -> list[Path]:
    """Draft the next migration in ``folder`` and return its files; none where the models ask for no change."""
    versions = folder / "versions"
    there = set(versions.iterdir())
    with TemporaryDirectory() as temporary:
        app = Flask("migration")
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{temporary}/draft.sqlite"
        db.init_app(app)
        migrate = Migrate(app, db, directory=str(folder))
        with app.app_context():
            upgrade()
            script = command.revision(
                migrate.get_config(str(folder)), name, autogenerate=True, process_revision_directives=_drop_if_empty
            )
            db.engine.dispose()
    if isinstance(script, Script):
        write_triggers(versions, str(script.down_revision), script.revision)
    made = sorted(path for path in set(versions.iterdir()) - there if path.is_file())
    code = [str(path) for path in made if path.suffix == ".py"]
    if code:
        subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", *code], check=True)  # noqa: S603 - ruff
    return made


def _drop_if_empty(_context: object, _revision: object, directives: list[MigrationScript]) -> None:
    if all(script.upgrade_ops is None or script.upgrade_ops.is_empty() for script in directives):
        directives.clear()


def main() -> int:
    """Draft what the command line names."""
    name = " ".join(sys.argv[1:]).strip()
    if not name:
        sys.stderr.write("The migration needs a name: make migration NAME='add a column'\n")
        return 2
    made = draft(name)
    if not made:
        sys.stderr.write("The migrations already make what the models say.\n")
        return 1
    sys.stdout.write("".join(f"{path.relative_to(FOLDER.parents[1])}\n" for path in made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
