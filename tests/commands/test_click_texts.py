"""What click says by itself is Indonesian too: usage, options, and what is wrong with a command line."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from views.commands import click_texts
from views.commands.terminal import CommandGroup


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


def test_each_text_is_one_that_click_has() -> None:
    folder = Path(click.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    missing = [one.text for one in click_texts.CLICK_TEXTS if one.text.partition("\n")[0] not in source]
    assert missing in ([], ["Arguments"], ["Positional arguments"])  # the name of that section differs by version
    assert gettext.gettext("Usage:") in {"Usage:", "Penggunaan:"}
