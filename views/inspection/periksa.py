"""Memeriksa berkas pemeriksaan LPSE: apa yang diubah, hilang, ditambah, atau dipotong. Hanya pustaka baku Python.

Pemakaian: python3 periksa.py BERKAS.zip [--sidik SIDIK] [--jangkar BERKAS-JANGKAR]

--sidik    sidik jari (SHA-256 dari manifest.json), disimpan di luar berkas ini saat berkas dibuat.
--jangkar  baris-baris dari `flask audit anchor` (rantai:nomor:hash), disimpan di luar instalasi.
Tanpa keduanya, berkas yang seluruhnya disusun ulang beserta manifestnya tidak dapat dikenali.
Keluar dengan 0 bila utuh, 1 bila tidak, 2 bila salah pakai.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import sys
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
TRAIL = "jejak/jejak-audit.jsonl"
#: The columns of an entry that its hash covers, after chain, number and time.
HASHED = (
    "actor_id",
    "actor_name",
    "capacity",
    "address",
    "request_id",
    "action",
    "reason",
    "rows",
    "previous_hash",
)
ROW_HASH_LENGTH = 16
_CHUNK_SIZE = 1 << 20
_MOST_TOLD = 20

#: The longest cell of a register, in characters; the usual limit is 131,072.
_LONGEST_CELL = 2**31 - 1


def canonical_json(value: object) -> str:
    """Return JSON as the program hashes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def entry_hash(entry: dict[str, Any]) -> str:
    """Return the hash of an entry of the trail."""
    content = [entry["chain"], entry["number"], entry["at"], *(entry[name] for name in HASHED)]
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def row_hash(cells: Sequence[str]) -> str:
    """Return the short hash of a row of a register."""
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:ROW_HASH_LENGTH]


def read_rows(file: IO[bytes]) -> Iterator[list[str]]:
    """Yield the rows of a register below its headings."""
    usual = csv.field_size_limit(_LONGEST_CELL)
    try:
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text)
            next(rows, None)
            yield from rows
    finally:
        csv.field_size_limit(usual)


def file_hash(file: IO[bytes]) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_SIZE):
        digest.update(chunk)
    return digest.hexdigest()


class Verifier:
    """Compares a dossier with its manifest, its trail with the chain, and both with what was kept elsewhere."""

    def __init__(
        self, archive: zipfile.ZipFile, fingerprint: str = "", anchors: Iterable[tuple[int, int, str]] = ()
    ) -> None:
        self._archive = archive
        self._fingerprint = fingerprint
        self._anchors = {(chain, number): hash_ for chain, number, hash_ in anchors}
        self.faults: list[str] = []

    def run(self) -> list[str]:
        """Return what is wrong, a sentence each."""
        names = self._archive.namelist()
        self.faults += [f"{name}: ada lebih dari satu kali." for name, count in Counter(names).items() if count > 1]
        if MANIFEST not in names:
            self.faults.append(f"{MANIFEST}: hilang; isi berkas tidak dapat dibandingkan.")
            return self.faults
        try:
            content = self._archive.read(MANIFEST)
            manifest = json.loads(content)
        except (ValueError, zipfile.BadZipFile, zlib.error):
            self.faults.append(f"{MANIFEST}: rusak atau diubah.")
            return self.faults
        result = hashlib.sha256(content).hexdigest()
        if self._fingerprint and result != self._fingerprint.strip().lower():
            self.faults.append(f"{MANIFEST}: bukan manifest asli; sidik jarinya {result}.")
        self._verify_files(manifest, set(names))
        self._verify_sums(manifest, result)
        self._verify_trail(manifest)
        return self.faults

    def _verify_files(self, manifest: dict[str, Any], names: set[str]) -> None:
        listed = {one["path"]: one["sha256"] for one in manifest["files"]}
        registers = {one["file"]: one for one in manifest["registers"]}
        for path in sorted(names - set(listed) - {MANIFEST, SUMS}):
            self.faults.append(f"{path}: ditambahkan; tidak ada dalam manifest.")
        for path, expected in listed.items():
            if path not in names:
                self.faults.append(f"{path}: hilang.")
                continue
            result = self._hash(path)
            if result == expected:
                continue
            self.faults.append(f"{path}: isinya diubah atau rusak.")
            if path in registers and result is not None:
                self._compare_rows(path, registers[path]["rows"])

    def _hash(self, path: str) -> str | None:
        try:
            with self._archive.open(path) as file:
                return file_hash(file)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            return None

    def _compare_rows(self, path: str, expected: list[list[str]]) -> None:
        """Say which rows of a register were changed, removed or added."""
        try:
            with self._archive.open(path) as file:
                results = [[row_hash(row), row[0] if row else ""] for row in read_rows(file)]
        except (UnicodeDecodeError, csv.Error):
            self.faults.append(f"{path}: tidak lagi terbaca sebagai CSV.")
            return
        first = 0
        while first < min(len(expected), len(results)) and expected[first][0] == results[first][0]:
            first += 1
        last = 0
        while last < min(len(expected), len(results)) - first and expected[-1 - last][0] == results[-1 - last][0]:
            last += 1
        old = expected[first : len(expected) - last]
        new = results[first : len(results) - last]
        told = self._differences(path, old, new, first)
        self.faults += told[:_MOST_TOLD]
        if len(told) > _MOST_TOLD:
            self.faults.append(f"{path}: dan {len(told) - _MOST_TOLD} baris lain.")

    @staticmethod
    def _differences(path: str, old: list[list[str]], new: list[list[str]], first: int) -> list[str]:
        if len(old) == len(new):
            pairs = enumerate(zip(old, new, strict=True), first + 1)
            return [f"{path}: baris {index} ({was[1]}) diubah." for index, (was, now) in pairs if was[0] != now[0]]
        gone, come = Counter(one[0] for one in old), Counter(one[0] for one in new)
        return [
            f"{path}: baris {index} ({name}) dihapus." for index, (hash_, name) in enumerate(old, first + 1)
            if hash_ not in come
        ] + [
            f"{path}: baris {index} ({name}) ditambahkan." for index, (hash_, name) in enumerate(new, first + 1)
            if hash_ not in gone
        ]  # fmt: skip

    def _verify_sums(self, manifest: dict[str, Any], fingerprint: str) -> None:
        expected = {one["path"]: one["sha256"] for one in manifest["files"]} | {MANIFEST: fingerprint}
        try:
            lines = self._archive.read(SUMS).decode().splitlines()
            results = {line[66:]: line[:64] for line in lines}
        except (KeyError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error):
            self.faults.append(f"{SUMS}: hilang atau rusak.")
            return
        if results != expected:
            self.faults.append(f"{SUMS}: tidak sama dengan manifest.")

    def _verify_trail(self, manifest: dict[str, Any]) -> None:
        """Follow the chain from entry to entry, up to the anchor of the dossier."""
        anchor, start = manifest["anchor"], manifest["trail_start"]
        number, previous = start["number"], start["hash"]
        try:
            with self._archive.open(TRAIL) as file:
                for line in file:
                    entry = json.loads(line)
                    if fault := self._entry_fault(entry, number, previous):
                        self.faults.append(f"{TRAIL}: butir {number + 1}: {fault}")
                        return
                    number, previous = entry["number"], entry["hash"]
        except (KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
            self.faults.append(f"{TRAIL}: butir {number + 1} tidak terbaca, atau jejak audit hilang.")
            return
        if (number, previous) != (anchor["number"], anchor["hash"]):
            self.faults.append(f"{TRAIL}: dipotong sesudah butir {number}; seharusnya sampai {anchor['number']}.")
        reached = {(anchor["chain"], start["number"]): start["hash"]}
        for key, saved in self._anchors.items():
            if key in reached and reached[key] != saved:
                self.faults.append(f"{TRAIL}: butir {key[1]} berbeda dari jangkar yang disimpan.")

    def _entry_fault(self, entry: dict[str, Any], number: int, previous: str) -> str | None:
        if entry["number"] != number + 1:
            return "tidak ada; butir sebelum atau sesudahnya dihapus."
        if entry["previous_hash"] != previous:
            return "tidak menyambung dengan butir sebelumnya."
        # What a draft says is the requester's own: of such an entry only its place in the chain can be checked.
        # What was destroyed on record has left its entry, which has the hash of what is left beside its own.
        if entry["rows"] is not None and entry_hash(entry) not in {entry["hash"], entry.get("erased_hash")}:
            return "diubah setelah ditulis."
        saved = self._anchors.get((entry["chain"], entry["number"]))
        return "berbeda dari jangkar yang disimpan." if saved not in {None, entry["hash"]} else None


def verify(file: str | IO[bytes], fingerprint: str = "", anchors: Iterable[tuple[int, int, str]] = ()) -> list[str]:
    """Return what is wrong with a dossier, a sentence each."""
    try:
        with zipfile.ZipFile(file) as archive:
            return Verifier(archive, fingerprint, anchors).run()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        return [f"Berkas ZIP tidak dapat dibaca; mungkin terpotong ({error})."]


def parse_anchors(lines: Iterable[str]) -> list[tuple[int, int, str]]:
    """Return the anchors in lines of `flask audit anchor`. Raises ValueError."""
    parts = [line.strip().split(":") for line in lines if line.strip()]
    return [(int(chain), int(number), hash_) for chain, number, hash_ in parts]


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a dossier, and print what is wrong."""
    parser = argparse.ArgumentParser(prog="periksa.py", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("berkas", help="berkas pemeriksaan (.zip)")
    parser.add_argument("--sidik", default="", help="sidik jari yang disimpan saat berkas dibuat")
    parser.add_argument("--jangkar", help="berkas dengan baris-baris jangkar jejak audit")
    chosen = parser.parse_args(arguments)
    anchors = []
    if chosen.jangkar:
        try:
            with Path(chosen.jangkar).open(encoding="utf-8") as lines:
                anchors = parse_anchors(lines)
        except (OSError, ValueError) as error:
            parser.error(f"jangkar tidak terbaca: {error}")
    faults = verify(chosen.berkas, chosen.sidik, anchors)
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(
        f"TIDAK UTUH: {len(faults)} temuan.\n" if faults else "UTUH: isi berkas sama dengan manifestnya.\n"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
