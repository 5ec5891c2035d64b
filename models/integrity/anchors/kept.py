"""The anchors that the installation itself has kept, day by day: compared with the trail, and their stamps verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.i18n import _
from models.audit.anchors import read_anchors
from models.integrity.anchors.delivery import AnchorDelivery
from models.integrity.anchors.time_stamps import TimeStampError, verify_stamp
from models.integrity.findings import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from models.audit.anchors import Anchor


def kept_anchors(session: Session) -> list[Anchor]:
    """Return all that were kept. Whoever cuts the trail has to change these too, which the rest of the trail tells."""
    anchors: list[Anchor] = []
    table = AnchorDelivery.__table__
    for lines in session.connection().scalars(select(table.c.lines).order_by(table.c.id)):
        try:
            anchors += read_anchors(lines)
        except ValueError:
            continue  # found as a changed row
    return anchors


def verify_stamps(session: Session, ca_file: str | None) -> Iterator[Finding]:
    """Yield the time stamps that do not hold; none without the certificates that they are verified with."""
    if ca_file is None:
        return
    stamped = select(AnchorDelivery).where(AnchorDelivery.time_stamp.is_not(None)).order_by(AnchorDelivery.id)
    for row in session.scalars(stamped):
        try:
            stamped_at = verify_stamp(row.time_stamp or "", row.anchors_text(), ca_file)
        except TimeStampError as error:
            reason = str(error)
        else:
            if stamped_at == row.stamped_at:
                continue
            reason = f"{stamped_at.isoformat()}"
        yield Finding(
            FindingKind.ANCHOR,
            _("the time stamp over these anchors does not hold: %(reason)s", reason=reason),
            chain=row.agency_id,
            table="audit_anchor",
            row=str(row.id),
            column="time_stamp",
            at=row.made_at,
        )
