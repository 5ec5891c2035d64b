"""What click says by itself is Indonesian too: usage, options, and what is wrong with a command line."""

from __future__ import annotations

import gettext
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from flask_migrate.cli import db

from tests.support.running_app import running_app  # noqa: F401 - a fixture
from views.commands import click_texts
from views.commands.terminal import CommandGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.running_app import RunningApp

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> CommandGroup:
    """Return a group with one command, in a process that speaks Indonesian."""
    monkeypatch.setenv("LANGUAGE", os.environ.get("LANGUAGE", ""))
    click_texts.localize()
    created = CommandGroup("contoh", help="Contoh.")

    @created.command("buka")
    @click.argument("nama")
    @click.option("--jumlah", type=int)
    def _open(nama: str, jumlah: int | None) -> None:
        """Buka."""
        click.echo(f"{nama} {jumlah}")

    return created


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--help"], 0, ("Penggunaan:", "Opsi:", "Perintah:", "Tampilkan bantuan ini lalu keluar.")),
        (["buka", "--help"], 0, ("Penggunaan:", "[OPSI]", "Opsi:")),
        (["buka"], 2, ("Kesalahan: Argumen belum diisi", "untuk bantuan")),
        (["tutup"], 2, ("Tidak ada perintah 'tutup'.",)),
        (["buka", "--warna"], 2, ("Tidak ada opsi '--warna'.",)),
        (["buka", "a", "--jumlah", "x"], 2, ("Nilai tidak sah untuk '--jumlah'",)),
        (["buka", "a", "--jumlah", "3"], 0, ("a 3",)),
    ],
)
def test_click_speaks_indonesian(group: CommandGroup, arguments: list[str], status: int, said: tuple[str, ...]) -> None:
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code == status
    for text in said:
        assert text in result.output
    for english in ("Usage", "Options:", "Commands", "Error", "Missing", "Show this"):
        assert english not in result.output


ENGLISH = re.compile(
    r"(?<![-\w])(the|an|of|and|to|is|are|with|for|this|that|Show|Usage|Options|OPTIONS|Commands|Error)\b"
)


def listed(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command that is listed, and of the groups that hold them."""
    yield words
    for name, one in getattr(command, "commands", {}).items():
        if not one.hidden:
            yield from listed(one, *words, name)


def test_flask_itself_explains_itself_in_indonesian_from_the_first_line(tmp_path: Path) -> None:
    environment = {**os.environ, "LPSE_DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite"}
    ran = subprocess.run(
        [sys.executable, "-m", "flask", "--help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("Penggunaan: ")
    assert not ENGLISH.findall(ran.stdout)


def test_every_command_that_is_listed_explains_itself_in_indonesian(running_app: RunningApp) -> None:
    run = running_app.app.test_cli_runner().invoke
    for group in (running_app.app.cli, click.Group(commands={"db": db})):
        for words in filter(None, listed(group)):
            result = run(group, [*words, "--help"])
            assert result.exit_code == 0
            assert not ENGLISH.findall(result.output), words


def test_each_text_is_one_that_click_has() -> None:
    folder = Path(click.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    missing = [one.text for one in click_texts.CLICK_TEXTS if one.text.partition("\n")[0] not in source]
    assert missing in ([], ["Arguments"], ["Positional arguments"])  # the name of that section differs by version
    assert gettext.gettext("Usage:") in {"Usage:", "Penggunaan:"}
