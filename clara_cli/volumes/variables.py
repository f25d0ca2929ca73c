"""FastIO variables of a running job, read where they are, for as long as one picture takes.

Whoever holds a variable holds its memory, also when the job has ended: so nothing is kept from one picture to the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import prod

import numpy as np

from clara_cli.errors import VolumeError
from clara_cli.fastio.observe import Opened, open_variables
from clara_cli.runtime.job_socket import find_socket
from clara_cli.volumes.arrays import from_array
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.voxels import FileVoxels


@contextmanager
def variables(job_id: str) -> Iterator[list[Opened]]:
    """The variables of a job that hold data now; none when it does not run. Closed after the block.

    Raises:
        RuntimeFailure: the job's runner does not let itself be looked at.
    """
    socket = find_socket(job_id)
    with ExitStack() as stack:
        found = open_variables(socket) if socket else []
        for variable in found:
            stack.callback(variable.file.close)
        yield found


def viewable(variable: Opened) -> bool:
    """Whether a variable can be a picture: at least two axes, more than one number."""
    return len(variable.shape) >= 2 and prod(variable.shape) > 1


def head(variable: Opened, most: int) -> bytes:
    """Its first bytes."""
    return os.pread(variable.file.fileno(), min(most, _size(variable)), 0)


def _size(variable: Opened) -> int:
    return prod(variable.shape) * np.dtype(variable.element_type).itemsize


def open_variable(job_id: str, operator: str, name: str, axes: str) -> Volume:
    """One variable of a running job as a volume. Names are compared as the definition language does.

    Raises:
        VolumeError: it holds no data now, or is no volume.
        RuntimeFailure: the job's runner does not let itself be looked at.
    """
    wanted = (operator.casefold(), name.casefold())
    with variables(job_id) as found:
        for variable in found:
            if (variable.operator.casefold(), variable.name.casefold()) == wanted:
                shown = f"{variable.operator}/{variable.name}"
                own = os.fdopen(os.dup(variable.file.fileno()), "rb")
                dtype = np.dtype(variable.element_type)
                try:
                    return from_array(FileVoxels(own, shown, variable.shape[::-1], dtype), shown, axes)
                except BaseException:
                    own.close()
                    raise
    raise VolumeError(
        f"the variable {operator}/{name} holds no data now: its operator has not given it a size yet, or all who read "
        "it have ended"
    )
