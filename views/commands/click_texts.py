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

_CATALOGUES = Path(__file__).resolve().parents[1] / "translations"


def localize() -> None:
    """Let click speak the language of the terminal, which is Indonesian as all that the commands say."""
    os.environ["LANGUAGE"] = "id"
    gettext.bindtextdomain("messages", str(_CATALOGUES))
