"""Records of more than memory holds, put aside on the disk by buckets and read back one bucket at a time."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Characters that are held in memory before they go to the disk.
_LIMIT = 16 * 1024 * 1024
_LENGTH_BYTES = 4

Bucket = tuple[str, int]


class Spill:
    """Lists of JSON values, by bucket: a table and a number."""

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self._folder, self._limit = folder, limit
        self._held: dict[Bucket, list[str]] = defaultdict(list)
        self._size = 0
        self._files: set[Bucket] = set()
        self._encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode

    def add(self, bucket: Bucket, record: list[Any]) -> None:
        """Put ``record`` into ``bucket``."""
        line = self._encode(record)
        self._held[bucket].append(line)
        self._size += len(line)
        if self._size > self._limit:
            self._flush()

    def numbers(self, table: str) -> list[int]:
        """Return the numbers of the buckets of ``table``."""
        return sorted({number for name, number in {*self._files, *self._held} if name == table})

    def take(self, bucket: Bucket) -> Iterator[list[Any]]:
        """Yield the records of ``bucket`` in the order in which they came, and forget them."""
        path = self._path(bucket)
        if bucket in self._files:
            with path.open("rb") as file:
                while head := file.read(_LENGTH_BYTES):
                    yield from json.loads(zlib.decompress(file.read(int.from_bytes(head, "big"))))
            path.unlink()
            self._files.discard(bucket)
        held = self._held.pop(bucket, [])
        self._size -= sum(map(len, held))
        yield from json.loads(f"[{','.join(held)}]")

    def _flush(self) -> None:
        for bucket, lines in self._held.items():
            packed = zlib.compress(f"[{','.join(lines)}]".encode(), 1)
            with self._path(bucket).open("ab") as file:
                file.write(len(packed).to_bytes(_LENGTH_BYTES, "big"))
                file.write(packed)
        self._files.update(self._held)
        self._held.clear()
        self._size = 0

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket[0]}.{bucket[1]}"
