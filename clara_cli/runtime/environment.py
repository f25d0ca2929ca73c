"""The environment of an operator's process: exactly what is listed here, nothing else leaks in.

In order, later ones win: what is passed on from the user, the image's ENV, addresses of servers and devices, the
definition's variables, and the platform's own variables.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from clara_cli.pipelines.model import Operator, Service
from clara_cli.runtime.passed_on import (
    FAST_IO,
    FAST_IO_FOLDER,
    OPERATOR_FOLDER,
    PASSED_ON,
    PASSED_ON_PREFIXES,
    passed_on,
    python_variables,
)

__all__ = [
    "FAST_IO",
    "FAST_IO_PATH",
    "OPERATOR_PATH",
    "PASSED_ON",
    "PASSED_ON_PREFIXES",
    "operator_environment",
    "passed_on",
    "service_environment",
]

OPERATOR_PATH = Path(OPERATOR_FOLDER)
FAST_IO_PATH = Path(FAST_IO_FOLDER)

# Programs of the published applications read these; the defaults of their images are the keys' container paths.
_APPLICATION_FOLDERS = {
    "NVIDIA_CLARA_INPUT": ("/input", "inputs"),
    "NVIDIA_CLARA_OUTPUT": ("/output", "outputs"),
    "NVIDIA_CLARA_LOGS": ("/logs", "outputs"),
    "NVIDIA_CLARA_PUBLISHING": ("/publish", "outputs"),
}


def operator_environment(
    operator: Operator,
    *,
    user: Mapping[str, str],
    image: Mapping[str, str],
    path_prefix: Path | None,
    cwd: Path,
    job_id: str,
    job_name: str,
    socket: str,
    inputs: Iterable[tuple[str, str, Path]],
    outputs: Iterable[tuple[str, str, Path]],
    given: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The whole environment of one operator.

    Args:
        user: the result of `passed_on`.
        image: the image's ENV, container paths already mapped.
        path_prefix: folder put first on PATH, where `python` is the operator's interpreter.
        cwd: the folder it starts in, as it sees it.
        socket: abstract name of the job socket.
        inputs, outputs: (name, container path, folder as the operator sees it) of every stream, in the order of
            the definition.
        given: addresses of servers and devices; the definition's own variables count more.
    """
    folders = {"inputs": list(inputs), "outputs": list(outputs)}
    environment = {"PATH": os.defpath, **user, **image}
    for variable, (container_path, side) in _APPLICATION_FOLDERS.items():
        for _, path, real in folders[side]:
            if path == container_path:
                environment[variable] = str(real)
    environment.update(given or {})
    environment.update(operator.variables)
    environment = _with_platform(environment, path_prefix, cwd, job_id, job_name, operator.name)
    environment.update(
        {
            "NVIDIA_CLARA_INPUTPATHS": _paths(folders["inputs"]),
            "NVIDIA_CLARA_OUTPUTPATHS": _paths(folders["outputs"]),
            "CLARA_JOB_SOCKET": socket,
        }
    )
    return environment


def service_environment(
    service: Service,
    *,
    user: Mapping[str, str],
    image: Mapping[str, str],
    path_prefix: Path | None,
    cwd: Path,
    job_id: str,
    job_name: str,
    label: str,
    given: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of one service; the arguments are those of `operator_environment`.

    Args:
        label: the service's name within the job.
    """
    environment = {"PATH": os.defpath, **user, **image, **given, **service.variables}
    return _with_platform(environment, path_prefix, cwd, job_id, job_name, label)


def _with_platform(
    environment: dict[str, str], path_prefix: Path | None, cwd: Path, job_id: str, job_name: str, stage: str
) -> dict[str, str]:
    """What every process of a job has in common."""
    environment = dict(environment)
    if path_prefix is not None:
        environment["PATH"] = f"{path_prefix}{os.pathsep}{environment['PATH']}"
    environment.update(
        {
            **python_variables(environment),
            "PWD": str(cwd),
            "NVIDIA_CLARA_JOBID": job_id,
            "NVIDIA_CLARA_JOBNAME": job_name.replace("\0", ""),
            "NVIDIA_CLARA_STAGENAME": stage,
        }
    )
    return environment


def _paths(items: list[tuple[str, str, Path]]) -> str:
    return ";".join(f"{name}:{real}" for name, _, real in items)
