"""The keys with which secrets of accounts are encrypted: they come from the settings, once for each process."""

from __future__ import annotations

from lpse_admin.accounts.secrets.secret_box import SecretBox

_BOXES: list[SecretBox] = []


def set_box(box: SecretBox) -> None:
    """Encrypt and decrypt with ``box`` from now on, in this process."""
    _BOXES[:] = [box]


def secret_box() -> SecretBox:
    """Return the box of this process; raises RuntimeError where none was set."""
    if not _BOXES:
        raise RuntimeError("no secret key was set: call models.accounts.factors.sealing.set_box first")
    return _BOXES[0]
