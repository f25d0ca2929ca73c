"""The whole cycle of a program that uses NVIDIA's client: from a definition and a folder to results and a log.

Words: port, definition, folder to upload, folder for results, operator whose log is read. Prints the log.
"""

import sys
import time
from pathlib import Path

from nvidia_clara.jobs_client import JobsClient
from nvidia_clara.payloads_client import PayloadsClient
from nvidia_clara.pipeline_types import PipelineDefinition
from nvidia_clara.pipelines_client import PipelinesClient

port, definition, source, results, operator = sys.argv[1:]
where = ("127.0.0.1", port)

with PipelinesClient(*where) as pipelines:
    text = Path(definition).read_text()
    pipeline_id = pipelines.create_pipeline(definition=[PipelineDefinition(name=definition, content=text)])

with JobsClient(*where) as jobs, PayloadsClient(*where) as payloads:
    job = jobs.create_job(pipeline_id=pipeline_id, job_name="combined")
    for path in sorted(Path(source).iterdir()):
        with path.open("rb") as file:
            payloads.upload(payload_id=job.payload_id, blob_name=path.name, file_object=file)
    assert job.job_id.value in [one.job_id.value for one in jobs.list_jobs()]

    jobs.start_job(job_id=job.job_id)
    deadline = time.monotonic() + 60
    while (details := jobs.get_status(job_id=job.job_id)).job_state != 3:
        assert time.monotonic() < deadline, "the job does not end"
    assert details.job_status == 1, details.messages

    for file in payloads.get_details(payload_id=job.payload_id).file_details:
        # As the published example does: the names begin with a slash.
        if file.name.split("/")[1] == "operators":
            target = Path(results) / Path(file.name).name
            with target.open("wb") as writer:
                payloads.download_from(payload_id=job.payload_id, blob_name="." + file.name, dest_obj=writer)

    sys.stdout.write("\n".join(jobs.job_logs(job_id=job.job_id, operator_name=operator)))
