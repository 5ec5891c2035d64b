"""The help of `flask` itself, in the language of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask.cli import FlaskGroup, cli
from typing_extensions import override

from lpse_admin.i18n import _
from views.commands.terminal import localize_command
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    import click


class RootGroup(FlaskGroup):
    """`flask`, once the program is loaded: its help is in one language from its first line on."""

    @override
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """End the help, written once more: Flask loads the program, and with it the language, to list its commands."""
        if option := self.get_help_option(ctx):
            option.help = terminal_text(_("Show this message and exit."))
        formatter.buffer.clear()
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)
        super().format_epilog(ctx, formatter)


def localize() -> None:
    """Let `flask` itself speak the language of the terminal."""
    cli.__class__ = RootGroup
    localize_command(cli)
    cli.help = terminal_text(_("The commands of this installation of the LPSE; each explains itself with --help."))
