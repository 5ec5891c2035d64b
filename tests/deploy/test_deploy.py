"""What an office installs by: the units of systemd, the settings to begin with, and the commands in the guide."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import lpse_admin.config
from app import create_app
from lpse_admin.config import RunMode, Settings, read_settings
from tests.support.program import close_app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDES = [ROOT / "README.md", ROOT / "README.en.md", ROOT / "docs" / "OPERASI.md", *(ROOT / "deploy").glob("lpse*")]

#: Read by others than the program: the wrapper of the commands.
_OTHERS = {"LPSE_ENV_FILE"}


def example() -> dict[str, str]:
    """Return the settings of the example file."""
    lines = (DEPLOY / "lpse.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_example_s_settings_are_right_once_it_has_a_key(tmp_path: Path) -> None:
    given = {**example(), "LPSE_SECRET_KEY": "k" * 32, "LPSE_DATABASE_URL": f"sqlite:///{tmp_path}/lpse.db"}
    settings = read_settings(given, instance=tmp_path)
    assert settings.run_mode is RunMode.PRODUCTION
    assert settings.proxies == 1


def test_the_example_s_own_key_is_refused() -> None:
    with pytest.raises(lpse_admin.config.ConfigurationError, match="LPSE_SECRET_KEY"):
        read_settings(example())


def test_every_setting_is_described_and_no_other() -> None:
    read = set(re.findall(r'"(LPSE_[A-Z_]+)"', Path(lpse_admin.config.__file__).read_text()))
    described = set(re.findall(r"LPSE_[A-Z_]+", (ROOT / "README.md").read_text()))
    assert read <= described
    mentioned = {name for guide in GUIDES for name in re.findall(r"LPSE_[A-Z_]+", guide.read_text())}
    assert mentioned <= read | _OTHERS


def test_every_command_that_a_guide_names_is_there(tmp_path: Path) -> None:
    app = create_app(Settings(RunMode.DEMO, f"sqlite:///{tmp_path}/lpse.db", "x" * 32))
    missing = []
    for guide in GUIDES:
        for words in re.findall(r"(?<![\w./])(?:lpse-)?flask ([a-z-]+(?: [a-z|]+)?)", guide.read_text()):
            group, _space, names = words.partition(" ")
            command = app.cli.commands.get(group)
            if command is None:
                missing.append(f"{guide.name}: {words}")
            elif isinstance(command, click.Group):
                missing += [f"{guide.name}: {words}" for name in names.split("|") if name not in command.commands]
    close_app(app)
    assert not missing


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze checks the units, and is not here")
@pytest.mark.parametrize("unit", ["lpse.service", "lpse-backup.service", "lpse-backup.timer"])
def test_systemd_takes_the_units(unit: str, tmp_path: Path) -> None:
    for one in DEPLOY.glob("lpse*.*"):
        # The program is where the tests run, and not yet where the guide puts it.
        text = one.read_text().replace("/opt/lpse/.venv/bin/python", sys.executable).replace("/opt/lpse", str(ROOT))
        (tmp_path / one.name).write_text(text)
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in ended.stderr.splitlines() if "lpse" in line] == []


def test_the_wrapper_runs_commands_with_the_settings_of_the_installation(tmp_path: Path) -> None:
    (tmp_path / "installation").mkdir()
    for name in ("deploy", "app.py", "lpse_admin", "models", "views", "templates", "demo"):
        (tmp_path / "installation" / name).symlink_to(ROOT / name)
    scripts = tmp_path / "installation" / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "flask").symlink_to(Path(sys.executable).parent / "flask")
    settings = tmp_path / "lpse.env"
    settings.write_text(
        f"# settings\n\nLPSE_ENV=demo\nLPSE_SECRET_KEY={'k$`' * 12}\nLPSE_DATABASE_URL=sqlite:///{tmp_path}/a$b.db"
    )
    ended = subprocess.run(
        [str(tmp_path / "installation" / "deploy" / "lpse-flask"), "db", "upgrade"],
        env={"PATH": os.environ["PATH"], "LPSE_ENV_FILE": str(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    assert (tmp_path / "a$b.db").is_file()
