"""Who answers for an entry of the demo's trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.audit.trail import AuditContext

if TYPE_CHECKING:
    import datetime as dt

    from demo.bulk import Ledger, Told
    from demo.office import Office, Player
    from lpse_admin.sop.steps import Step
    from models.delegation.delegation import Delegation

#: Under which name the program itself answers.
_PROGRAM = "LPSE"


class Teller:
    """Tells a ledger's trail what somebody, or the program, did."""

    def __init__(self, ledger: Ledger, mark: str) -> None:
        """Tell ``ledger``; ``mark`` names the register in its own trail."""
        self._ledger = ledger
        self._mark = mark

    def tell(  # noqa: PLR0913, PLR0917 - what an entry says
        self,
        office: Office,
        player: Player,
        at: dt.datetime,
        action: str,
        told: list[Told],
        step: Step | None = None,
        delegation: Delegation | None = None,
        reason: str | None = None,
    ) -> None:
        """Tell what ``player`` did, in the capacity that ``step`` and ``delegation`` give."""
        circumstances = AuditContext(
            at=at,
            actor_id=player.id,
            actor_name=player.name,
            action=action,
            capacity=office.capacity(step, delegation) if step else None,
            address=player.address,
            request_id=self._mark,
            reason=reason,
        )
        self._ledger.tell(office.agency.id, circumstances, told)

    def tell_of_program(self, office: Office, at: dt.datetime, action: str, told: list[Told]) -> None:
        """Tell what the program did by itself."""
        circumstances = AuditContext(at, None, _PROGRAM, action, request_id=self._mark)
        self._ledger.tell(office.agency.id, circumstances, told)
