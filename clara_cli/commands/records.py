"""What `--output json|yaml` holds of pipelines, jobs and images, by the names that the platform's API uses.

Times are ISO 8601 in UTC, to the millisecond; null where something has not happened. Enumerations are the API's words.
docs/output.md lists the keys; a test compares them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clara_cli.images.reference import RegisteredImage
    from clara_cli.jobs.actions import JobView
    from clara_cli.jobs.model import Job
    from clara_cli.pipelines.model import Pipeline
    from clara_cli.pipelines.store import PipelineRecord

Record = dict[str, Any]


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


def described_job(view: JobView) -> Record:
    """A job with its operators and messages."""
    return {
        **job_record(view.job),
        "payload_folder": str(view.tree.path),
        "variables": dict(view.job.variables),
        "operator_details": [
            {
                "name": operator.name,
                "image": operator.image,
                "status": operator.status.wire,
                "started": when(operator.started),
                "stopped": when(operator.stopped),
                "exit_code": operator.exit_code,
            }
            for operator in view.operators
        ],
        "messages": [
            {"created": when(message.created), "severity": message.severity, "text": message.text}
            for message in view.messages
        ],
    }


def image_record(image: RegisteredImage) -> Record:
    """A registered image; `python` is null for the Python that runs clara."""
    return {
        "name": image.name,
        "tag": image.tag,
        "folder": str(image.folder),
        "python": str(image.interpreter) if image.interpreter else None,
        "driver": image.uses_driver,
    }
