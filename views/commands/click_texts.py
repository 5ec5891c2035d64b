"""The texts of click itself, in the language of the terminal."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

from lpse_admin.i18n import _

#: What click says, named here so that it is collected into the catalogue; click looks its texts up there by itself.
CLICK_TEXTS = (
    _("Usage:"),
    _("Options"),
    _("Commands"),
    _("Arguments"),
    _("Positional arguments"),
    _("Error: {message}"),
    _("Aborted!"),
    _("Show this message and exit."),
    _("Show the version and exit."),
    _("Confirm the action without prompting."),
    _("Do you want to continue?"),
    _("Repeat for confirmation"),
    _("Error: The two entered values do not match."),
    _("Error: invalid input"),
    _("Missing command."),
    _("Missing argument"),
    _("Missing option"),
    _("Missing parameter"),
    _("Invalid value: {message}"),
    _("Invalid value for {param_hint}: {message}"),
    _("No such option {name!r}."),
    _("No such command {name!r}."),
    _("Try '{command} {option}' for help."),
    _("default: {default}"),
    _("Option {name!r} does not take a value."),
    _("Choose from:\n\t{choices}"),
    _("{name} {filename!r} does not exist."),
    _("{name} {filename!r} is a file."),
    _("{name} {filename!r} is a directory."),
    _("{name} {filename!r} is not readable."),
    _("{value!r} is not a valid {number_type}."),
    _("file"),
    _("directory"),
    _("path"),
)

#: What `flask` and Alembic's commands say of themselves and of their options, named for the same reason.
COMMAND_TEXTS = (
    _(
        "Load environment variables from this file, taking precedence over those set by '.env' and '.flaskenv'."
        " Variables set directly in the environment take highest precedence. python-dotenv must be installed."
    ),
    _(
        "The Flask application or factory function to load, in the form 'module:name'. Module can be a dotted import or"
        " file path. Name is not required if it is 'app', 'application', 'create_app', or 'make_app', and can be"
        " 'name(args)' to pass arguments."
    ),
    _("Set debug mode."),
    _("Show the Flask version."),
    _('Migration script directory (default is "migrations")'),
    _("Additional arguments consumed by custom env.py scripts"),
    _("List available templates."),
    _("Creates a new migration repository."),
    _("Support multiple databases"),
    _('Repository template to use (default is "flask")'),
    _("Write empty __init__.py files to the environment and version locations"),
    _("Create a new revision file."),
    _("Revision message"),
    _("Populate revision script with candidate migration operations, based on comparison of database to model"),
    _("Don't emit SQL to database - dump to standard output instead"),
    _("Specify head revision or <branchname>@head to base new revision on"),
    _('Allow a non-head revision as the "head" to splice onto'),
    _("Specify a branch label to apply to the new revision"),
    _("Specify specific path from config for version file"),
    _("Specify a hardcoded revision id instead of generating one"),
    _("Autogenerate a new revision file (Alias for\n'revision --autogenerate')"),
    _("Edit a revision file"),
    _("Merge two revisions together, creating a new revision file"),
    _("Merge revision message"),
    _("Upgrade to a later version"),
    _('Arbitrary "tag" name - can be used by custom env.py scripts'),
    _("Revert to a previous version"),
    _("Show the revision denoted by the given symbol."),
    _("List changeset scripts in chronological order."),
    _("Specify a revision range; format is [start]:[end]"),
    _("Use more verbose output"),
    _("Indicate current version (Alembic 0.9.9 or greater is required)"),
    _("Show current available heads in the script directory"),
    _("Treat dependency versions as down revisions"),
    _("Show current branch points"),
    _("Display the current revision for each database."),
    _("'stamp' the revision table with the given revision; don't run any\nmigrations"),
    _("Delete the version in the alembic_version table before stamping"),
    _("Check if there are any new operations to migrate"),
)

_CATALOGUES = Path(__file__).resolve().parents[1] / "translations"


def localize() -> None:
    """Let click speak the language of the terminal, which is Indonesian as all that the commands say."""
    os.environ["LANGUAGE"] = "id"
    gettext.bindtextdomain("messages", str(_CATALOGUES))
