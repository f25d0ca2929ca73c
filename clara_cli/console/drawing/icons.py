"""A small picture for each status, so that it is not told by colour alone."""

from __future__ import annotations

from markupsafe import Markup

from clara_cli.jobs.states import OperatorStatus

ICON_SIZE = 15.0

# In a square of 15, drawn with lines.
_PATHS = {
    OperatorStatus.PENDING: "M7.5 1.5a6 6 0 1 1 0 12a6 6 0 1 1 0-12M7.5 4v4l2.5 1.5",
    OperatorStatus.RUNNING: "M7.5 1.5a6 6 0 1 1 0 12a6 6 0 1 1 0-12M6 5l4 2.5l-4 2.5z",
    OperatorStatus.COMPLETED: "M7.5 1.5a6 6 0 1 1 0 12a6 6 0 1 1 0-12M4.5 7.5l2.2 2.3l4-4.4",
    OperatorStatus.FAULTED: "M7.5 1.5a6 6 0 1 1 0 12a6 6 0 1 1 0-12M5.2 5.2l4.6 4.6M9.8 5.2l-4.6 4.6",
}


def icon(status: OperatorStatus, left: float, top: float) -> Markup:
    """The picture of a status, its upper left corner there."""
    return Markup('<path class="icon" transform="translate({:.1f} {:.1f})" d="{}"/>').format(left, top, _PATHS[status])
