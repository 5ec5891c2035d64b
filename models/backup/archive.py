"""The file of a backup: a ZIP of the database's parts, and a manifest with the hash of each.

The manifest is the last member to be written, and the file gets its name when it is complete: a backup that was cut
short has no manifest, and there is none by its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    #: Takes the next bytes of a part.
    Write = Callable[[bytes], object]

#: What a reader of the file looks for first.
FORMAT = "lpse-backup-1"
_MANIFEST = "manifest.json"
#: The longest manifest that is read, in bytes: it has a line for each table.
_MAX_MANIFEST = 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A member of the archive: its size in bytes before compression, and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    program: str
    #: "sqlite" or "postgresql": a backup goes back into a database of its own kind.
    kind: str
    #: The revision of the schema.
    revision: str
    #: When the backup was begun, in ISO 8601 with its offset.
    made_at: str
    #: The number of rows of each table.
    rows: dict[str, int] = field(default_factory=dict)
    #: The last value of each sequence (PostgreSQL).
    sequences: dict[str, int] = field(default_factory=dict)
    #: The head of each chain of the audit trail, as `flask audit anchor` prints it.
    anchors: list[str] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    format: str = FORMAT

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return the manifest in ``text``; raises ValueError, KeyError or TypeError where it is none."""
        fields: Any = json.loads(text)
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise ValueError("not a manifest")
        parts = {name: Part(int(part["size"]), str(part["sha256"])) for name, part in fields.pop("parts").items()}
        return cls(**fields, parts=parts)


class ArchiveWriter:
    """Writes the parts of a backup."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts: dict[str, Part] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[Write]:
        """Yield a function that takes the bytes of the part ``name``, piece by piece."""
        digest, size = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as member:

            def write(piece: bytes) -> None:
                nonlocal size
                digest.update(piece)
                size += len(piece)
                member.write(piece)

            yield write
        self._parts[name] = Part(size, digest.hexdigest())

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest, with the parts so far, and return it."""
        complete = Manifest(**{**_fields(manifest), "parts": dict(self._parts)})
        self._archive.writestr(_MANIFEST, json.dumps(asdict(complete), indent=1, sort_keys=True))
        return complete


def _fields(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}


@contextmanager
def new_archive(path: Path) -> Iterator[ArchiveWriter]:
    """Yield a writer; ``path`` appears, readable by its owner alone, when the block ends without an exception.

    Raises ValidationFailed if there is a file of that name, or none can be written there.
    """
    if path.exists():
        raise ValidationFailed(_("%(file)s is there already; choose another name.", file=str(path)))
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise ValidationFailed(
            _("%(file)s cannot be written: %(reason)s", file=str(path), reason=error.strerror or str(error))
        ) from None
    unfinished = Path(name)
    try:
        with (
            os.fdopen(number, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive,
        ):
            yield ArchiveWriter(archive)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        # Unlike a rename, this does not replace a file that came by that name meanwhile.
        os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


class ArchiveReader:
    """Reads a backup; each part is compared with its hash while it is read."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a part; raises ValidationFailed after the last if they are not those of the manifest."""
        expected, digest, size = self.manifest.parts[name], hashlib.sha256(), 0
        try:
            with self._archive.open(name) as member:
                while chunk := member.read(_CHUNK):
                    size += len(chunk)
                    if size > expected.size:
                        break
                    digest.update(chunk)
                    yield chunk
        except (OSError, zipfile.BadZipFile, KeyError, EOFError) as error:
            raise _damaged(name) from error
        if (size, digest.hexdigest()) != (expected.size, expected.sha256):
            raise _damaged(name)

    def copy(self, name: str, file: IO[bytes]) -> None:
        """Write a part into ``file``; raises ValidationFailed as ``chunks`` does."""
        for chunk in self.chunks(name):
            file.write(chunk)


def _damaged(name: str) -> ValidationFailed:
    return ValidationFailed(_("The backup is damaged: the bytes of %(part)s are not those of its manifest.", part=name))


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Yield a reader of the backup at ``path``; raises ValidationFailed where there is none."""
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise ValidationFailed(
            _("%(file)s cannot be read: %(reason)s", file=str(path), reason=error.strerror or str(error))
        ) from None
    except zipfile.BadZipFile:
        raise _no_backup(path) from None
    with archive:
        yield ArchiveReader(archive, _read_manifest(archive, path))


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        if archive.getinfo(_MANIFEST).file_size > _MAX_MANIFEST:
            raise _no_backup(path)
        manifest = Manifest.parse(archive.read(_MANIFEST))
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
        raise _no_backup(path) from None
    if set(archive.namelist()) != {*manifest.parts, _MANIFEST}:
        raise _no_backup(path)
    return manifest


def _no_backup(path: Path) -> ValidationFailed:
    return ValidationFailed(_("%(file)s is not a backup, or it was cut short.", file=str(path)))
