"""What every file that somebody sends has to pass: its content, and the virus scanner where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.documents.inspection import inspect_file
from models.documents.scanner import require_clean
from views.app.access import settings

if TYPE_CHECKING:
    from collections.abc import Collection

    from lpse_admin.documents.file_types import FileType
    from lpse_admin.documents.inspection import InspectedFile


def check_file(name: str, content: bytes, accepted: Collection[FileType]) -> InspectedFile:
    """Return what the file is; raises as ``inspect_file`` and ``require_clean`` do."""
    inspected = inspect_file(name, content, accepted)
    if (scanner := settings().scanner) is not None:
        require_clean(inspected.name, content, scanner)
    return inspected
