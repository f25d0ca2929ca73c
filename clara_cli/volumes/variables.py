"""FastIO variables of a running job, mapped read-only for as long as one picture takes."""

from __future__ import annotations

from clara_cli.errors import VolumeError
from clara_cli.fastio.observe import Observed, observe
from clara_cli.runtime.job_socket import find_socket
from clara_cli.volumes.arrays import from_array
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.voxels import ArrayVoxels


def variables(job_id: str) -> list[Observed]:
    """The variables of a job that hold data now; none when it does not run.

    Whoever keeps one keeps its memory, also when the job has ended: let go of it soon.

    Raises:
        RuntimeFailure: the job's runner does not let itself be looked at.
    """
    socket = find_socket(job_id)
    return observe(socket) if socket else []


def viewable(variable: Observed) -> bool:
    """Whether a variable can be a picture: at least two axes, at least one number."""
    return variable.array.ndim >= 2 and variable.array.size > 0


def open_variable(job_id: str, operator: str, name: str, axes: str) -> Volume:
    """One variable of a running job as a volume. Names are compared as the definition language does.

    Raises:
        VolumeError: it holds no data now, or is no volume.
        RuntimeFailure: the job's runner does not let itself be looked at.
    """
    wanted = (operator.casefold(), name.casefold())
    for variable in variables(job_id):
        if (variable.operator.casefold(), variable.name.casefold()) == wanted:
            return from_array(ArrayVoxels(variable.array), f"{variable.operator}/{variable.name}", axes)
    raise VolumeError(
        f"the variable {operator}/{name} holds no data now: its operator has not given it a size yet, or all who read "
        "it have ended"
    )
