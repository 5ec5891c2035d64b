"""What a dossier holds, noted on disk while it is written: the files with their hashes, the rows of each register."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from views.inspection.periksa import row_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_MAX_NAME = 60


@dataclass(slots=True)
class Manifest:
    """The list of what was written so far, in a folder: it grows with the dossier, and memory does not."""

    folder: Path
    #: Each register: name, title, file, count.
    registers: list[dict[str, Any]] = field(default_factory=list)
    #: How many files there are, and those that the index names.
    count: int = 0
    named: list[str] = field(default_factory=list)
    _files: IO[str] | None = None

    def add_file(self, path: str, size: int, sha256: str, *, is_named: bool) -> None:
        """Note a file that was written."""
        if self._files is None:
            self._files = (self.folder / "files").open("w+", encoding="utf-8")
        self._files.write(_line({"path": path, "size": size, "sha256": sha256}))
        self.count += 1
        if is_named:
            self.named.append(path)

    def add_register(self, name: str, title: str, file: str, rows: Iterable[list[str]]) -> int:
        """Note a register with the hash of each row, and return how many rows it has."""
        count = 0
        with self._rows(name).open("w", encoding="utf-8") as noted:
            for row in rows:
                noted.write(_line([row_hash(row), row[0][:_MAX_NAME] if row else ""]))
                count += 1
        self.registers.append({"name": name, "title": title, "file": file, "count": count})
        return count

    def _rows(self, name: str) -> Path:
        return self.folder / f"{name}.rows"

    def files(self) -> Iterator[dict[str, Any]]:
        """Yield what is noted of each file."""
        if self._files is not None:
            self._files.flush()
            with (self.folder / "files").open(encoding="utf-8") as noted:
                yield from map(json.loads, noted)

    def close(self) -> None:
        """Close the list of files."""
        if self._files is not None:
            self._files.close()

    def stream(self, facts: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the manifest, which begins with ``facts``."""
        yield json.dumps(facts, ensure_ascii=False, indent=1).removesuffix("\n}").encode()
        yield b',\n "registers": ['
        for index, register in enumerate(self.registers):
            yield (",\n" if index else "\n").encode()
            yield json.dumps(register, ensure_ascii=False).removesuffix("}").encode() + b', "rows": ['
            with self._rows(register["name"]).open(encoding="utf-8") as noted:
                yield from _joined(noted)
            yield b"]}"
        yield b'],\n "files": ['
        yield from _joined(_line(one) for one in self.files())
        yield b"]\n}\n"

    def sums(self, *others: tuple[str, str]) -> Iterator[bytes]:
        """Yield the lines of SHA256SUMS; ``others`` are hash and path of what the manifest does not list."""
        for one in self.files():
            yield f"{one['sha256']}  {one['path']}\n".encode()
        for sha256, path in others:
            yield f"{sha256}  {path}\n".encode()


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _joined(lines: Iterable[str]) -> Iterator[bytes]:
    for index, line in enumerate(lines):
        yield ((",\n" if index else "\n") + line.rstrip("\n")).encode()
