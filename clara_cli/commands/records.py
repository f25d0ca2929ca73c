"""What `--output json|yaml` holds of things that are listed and described, by the names that the platform's API uses.

Times are ISO 8601 in UTC, to the millisecond; null where something has not happened. Enumerations are the API's words.
docs/output.md lists the keys; a test compares them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clara_cli.images.reference import RegisteredImage
    from clara_cli.jobs.model import Job
    from clara_cli.jobs.placed import Placed
    from clara_cli.models.store import Model
    from clara_cli.payloads.model import Payload
    from clara_cli.payloads.walk import Entry
    from clara_cli.pipelines.model import Pipeline
    from clara_cli.pipelines.store import PipelineRecord
    from clara_cli.runtime.started import Started
    from clara_cli.site.model import DescribedJob

Record = dict[str, Any]
_MODEL_TYPES = {
    "tensorflow": "MODEL_TYPE_TENSOR_FLOW",
    "tensorrt": "MODEL_TYPE_TENSOR_RT",
    "pytorch": "MODEL_TYPE_PY_TORCH",
}


def when(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    if seconds is None:
        return None
    whole, thousandths = divmod(int(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{thousandths:03d}Z"


def pipeline_record(pipeline: PipelineRecord) -> Record:
    """A pipeline in a list."""
    return {"pipeline_id": pipeline.id, "name": pipeline.name, "created": when(pipeline.created)}


def described_pipeline(pipeline: PipelineRecord, definition: Pipeline) -> Record:
    """A pipeline with its operators and parameters."""
    return {
        **pipeline_record(pipeline),
        "api_version": definition.api_version,
        "orchestrator": definition.orchestrator,
        "operators": [
            {
                "name": operator.name,
                "image": operator.image,
                "tag": operator.tag,
                "reads_from": sorted(operator.sources),
            }
            for operator in definition.operators
        ],
        "parameters": dict(pipeline.parameters),
    }


def job_record(job: Job) -> Record:
    """A job in a list."""
    return {
        "job_id": job.id,
        "payload_id": job.payload_id,
        "pipeline_id": job.pipeline_id,
        "name": job.name,
        "state": job.state.wire,
        "status": job.status.wire,
        "priority": job.priority.wire,
        "created": when(job.created),
        "started": when(job.started),
        "stopped": when(job.stopped),
    }


def described_job(view: DescribedJob, verbose: bool = False) -> Record:
    """A job with its operators and messages; `verbose` adds what each operator's process was started with."""
    return {
        **job_record(view.job),
        "payload_folder": view.payload_folder,
        "engine": "local" if view.placed is None else "slurm",
        "slurm": None if view.placed is None else _slurm(view.placed),
        "metadata": dict(view.metadata),
        "variables": dict(view.job.variables),
        "operator_details": [
            {
                "name": operator.name,
                "image": operator.image,
                "status": operator.status.wire,
                "started": when(operator.started),
                "stopped": when(operator.stopped),
                "exit_code": operator.exit_code,
                "mounted": operator.mounted,
                "cpu_seconds": operator.cpu_seconds,
                "peak_memory": operator.peak_memory,
                **({"process": _process(view.processes.get(operator.name))} if verbose else {}),
            }
            for operator in view.operators
        ],
        "messages": [
            {"created": when(message.created), "severity": message.severity, "text": message.text}
            for message in view.messages
        ],
    }


def _slurm(placed: Placed) -> Record:
    return {"job": placed.remote, "node": placed.node or None, "seen": placed.seen or None}


def _process(started: Started | None) -> Record | None:
    return None if started is None else {**started._asdict(), "mounts": _mounts(started)}


def _mounts(started: Started) -> list[Record] | None:
    if started.mounts is None:
        return None
    return [{"path": item.path, "source": str(item.source), "writable": item.writable} for item in started.mounts]


def image_record(image: RegisteredImage) -> Record:
    """A registered image; `python` is null for the Python that runs clara."""
    return {
        "name": image.name,
        "tag": image.tag,
        "folder": str(image.folder),
        "python": str(image.interpreter) if image.interpreter else None,
        "driver": image.uses_driver,
    }


def payload_record(payload: Payload) -> Record:
    """A payload in a list; `job_id` is null for a reusable one."""
    return {
        "payload_id": payload.id,
        "type": payload.kind.wire,
        "job_id": payload.job_id,
        "created": when(payload.created),
        "metadata": dict(payload.metadata),
    }


def described_payload(payload: Payload, files: Sequence[Entry], folder: str) -> Record:
    """A payload with its files; sizes in bytes, modes as numbers, names below the payload's folder.

    A byte of a name that is no UTF-8 text is a lone surrogate, as in Python.
    """
    return {
        **payload_record(payload),
        "payload_folder": folder,
        "files": [{"name": entry.name, "size": entry.size, "mode": entry.mode & 0o7777} for entry in files],
    }


def model_record(model: Model) -> Record:
    """A registered model."""
    return {
        "model_id": model.id,
        "name": model.name,
        "type": _MODEL_TYPES.get(model.type, "MODEL_TYPE_UNKNOWN"),
        "versions": list(model.versions),
        "created": when(model.created),
    }
