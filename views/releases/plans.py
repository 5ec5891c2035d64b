"""Two versions of the plan of a release, side by side."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.worktime.step_timing import duration_message
from views.i18n.language import format_datetime_short, tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.releases.release_revision import PlanVersion

#: The arguments of the address that choose the two versions.
_LEFT, _RIGHT = "plan", "with"
#: So many versions there must be, for a choice of two: one revision has both beside each other already.
_LEAST_VERSIONS = 3
_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """One thing of a plan in both versions, and by how much the right one is later or earlier."""

    title: str
    left: str
    right: str
    shift: str


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """Two versions of a plan; ``choices`` are (number, name) of all."""

    choices: tuple[tuple[int, str], ...]
    left: int
    right: int
    rows: tuple[PlanDifference, ...]

    @property
    def left_name(self) -> str:
        """The name of the left version."""
        return self.choices[self.left][1]

    @property
    def right_name(self) -> str:
        """The name of the right version."""
        return self.choices[self.right][1]


def compare_plans(versions: Sequence[PlanVersion], args: Mapping[str, str]) -> PlanComparison | None:
    """Return the two versions that ``args`` choose, else the first and the last; None where there is no choice."""
    if len(versions) < _LEAST_VERSIONS:
        return None
    left, right = _chosen(args.get(_LEFT), versions, 0), _chosen(args.get(_RIGHT), versions, len(versions) - 1)
    one, other = versions[left], versions[right]
    rows = (
        _difference(_("Window start"), one.window_start_at, other.window_start_at),
        _difference(_("Window end"), one.window_end_at, other.window_end_at),
        _difference(_("Actual release time"), one.actual_at, other.actual_at),
        PlanDifference(tr(_("Set aside")), _yes_or_no(one), _yes_or_no(other), ""),
    )
    return PlanComparison(tuple((version.number, _name(version)) for version in versions), left, right, rows)


def _chosen(text: str | None, versions: Sequence[PlanVersion], otherwise: int) -> int:
    numbers = {str(version.number): index for index, version in enumerate(versions)}
    return numbers.get(text or "", otherwise)


def _name(version: PlanVersion) -> str:
    if version.kind is None:
        return tr(_("First plan"))
    return tr(_("Change %(number)s: %(kind)s", number=version.number, kind=version.kind.title))


def _difference(title: Message, left: dt.datetime | None, right: dt.datetime | None) -> PlanDifference:
    return PlanDifference(tr(title), _moment(left), _moment(right), _shift(left, right))


def _moment(value: dt.datetime | None) -> str:
    return format_datetime_short(value) if value else "–"


def _shift(left: dt.datetime | None, right: dt.datetime | None) -> str:
    if left is None or right is None or left == right:
        return ""
    time = duration_message(abs(right - left) // _MINUTE, by_clock=True)
    return tr(_("%(time)s later", time=time) if right > left else _("%(time)s earlier", time=time))


def _yes_or_no(version: PlanVersion) -> str:
    return tr(_("Yes")) if version.is_set_aside else tr(_("No"))
