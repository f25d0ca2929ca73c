"""Calls every public method of NVIDIA's client that can work, and prints what each returned as one JSON object.

Words: port of the server, a definition with one operator named `copy`, which declares the parameter `word`.
"""

import datetime
import io
import json
import sys
import tempfile
import time
from pathlib import Path

from nvidia_clara.base_client import BaseClient
from nvidia_clara.clara_client import ClaraClient
from nvidia_clara.grpc import jobs_pb2
from nvidia_clara.job_types import JobFilter, JobId, JobPriority, JobState, JobStatus
from nvidia_clara.jobs_client import JobsClient
from nvidia_clara.model_types import ModelId
from nvidia_clara.models_client import ModelsClient
from nvidia_clara.payload_types import PayloadId
from nvidia_clara.payloads_client import PayloadsClient
from nvidia_clara.pipeline_types import PipelineDefinition, PipelineId
from nvidia_clara.pipelines_client import PipelinesClient

port, definition = sys.argv[1:]
where = ("127.0.0.1", port)
said = {}


def note(name, value):
    said[name] = value


def refused(name, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except Exception as error:
        said[name] = str(error)
    else:
        said[name] = None


def finished(jobs, job_id):
    for _ in range(600):
        details = jobs.get_status(job_id)
        if details.job_state == 3:
            return details
        time.sleep(0.05)
    raise SystemExit("the job does not end")


def names(details):
    return sorted([file.name, file.size] for file in details.file_details)


text = Path(definition).read_text()
with PipelinesClient(*where) as pipelines:
    files = [PipelineDefinition(name="../copy-pipeline.yaml", content=text)]
    pipeline = pipelines.create_pipeline(definition=files, metadata={"Owner": "radiology"})
    note("create_pipeline", pipeline.value)
    forced = pipelines.create_pipeline(definition=files, pipeline_id=PipelineId("AB" * 16))
    note("create_pipeline with an id", forced.value)
    refused("create_pipeline with an id again", pipelines.create_pipeline, files, forced)
    refused("create_pipeline of nonsense", pipelines.create_pipeline, [PipelineDefinition(name="a", content="name: x")])
    note(
        "list_pipelines", {one.pipeline_id.value: [one.name, dict(one.metadata)] for one in pipelines.list_pipelines()}
    )
    details = pipelines.pipeline_details(pipeline)
    note("pipeline_details", [details.name, [[f.name, f.content.content] for f in details.definition]])
    refused("pipeline_details of none", pipelines.pipeline_details, PipelineId("0" * 32))
    pipelines.update_pipeline(forced, [PipelineDefinition(name="b.yaml", content=text.replace("copy-test", "renamed"))])
    note("update_pipeline", pipelines.pipeline_details(forced).name)
    note("pipelines add_metadata", dict(pipelines.add_metadata(pipeline, {"a": "1", "b": "2"})))
    note("pipelines remove_metadata", dict(pipelines.remove_metadata(pipeline, ["A", "nothing"])))
    pipelines.remove_pipeline(forced)
    note("remove_pipeline", sorted(one.pipeline_id.value for one in pipelines.list_pipelines()))

payloads = PayloadsClient(*where)
reusable = payloads.create_payload(metadata={"series": "7"})
note("create_payload", [reusable.payload_id.value, reusable.payload_type])
note("payloads add_metadata", dict(payloads.add_metadata(reusable.payload_id, {"more": "x"})))
refused("payloads add_metadata twice", payloads.add_metadata, reusable.payload_id, {"MORE": "y"})
note("payloads remove_metadata", dict(payloads.remove_metadata(reusable.payload_id, ["more"])))
note("get_details of nothing", names(payloads.get_details(reusable.payload_id)))
payloads.upload(reusable.payload_id, "shared/atlas.bin", file_object=io.BytesIO(b"atlas"))
note("get_details of a reusable payload", names(payloads.get_details(reusable.payload_id)))

jobs = JobsClient(*where)
before = datetime.datetime.utcnow() - datetime.timedelta(seconds=5)
job = jobs.create_job(pipeline, "first job", [reusable.payload_id], JobPriority.Higher, {"Source": "test"})
note("create_job", [job.job_id.value, job.payload_id.value, job.job_state.value, job.job_status.value])
refused("create_job of no pipeline", jobs.create_job, PipelineId("0" * 32), "x")
refused("create_job without a name", jobs.create_job, pipeline, "")
refused("create_job with no such payload", jobs.create_job, pipeline, "x", [PayloadId("0" * 32)])

large = bytes(range(256)) * 600
uploaded = payloads.upload(job.payload_id, "./input/image.mhd", file_object=io.BytesIO(large))
note("upload", [uploaded.name, uploaded.size])
with tempfile.NamedTemporaryFile() as file:
    file.write(b"by path")
    file.flush()
    note("upload by path", payloads.upload(job.payload_id, "Path.txt", file_path=file.name).size)
empty = payloads.upload(job.payload_id, "empty", file_object=io.BytesIO())
note("upload of nothing", [empty.name, empty.size])
payloads.upload(job.payload_id, "gone.txt", file_object=io.BytesIO(b"x"))
payloads.remove_from(job.payload_id, "/input/gone.txt")
note("get_details", names(payloads.get_details(job.payload_id)))
dashed = f"{job.payload_id.value[:8]}-{job.payload_id.value[8:12]}-{job.payload_id.value[12:]}".upper()
note("get_details with dashes", payloads.get_details(PayloadId(dashed)).payload_id.value)
refused("payloads metadata of a job", payloads.add_metadata, job.payload_id, {"a": "b"})
note("list_jobs before the start", [[one.name, one.job_state] for one in jobs.list_jobs()])

started = jobs.start_job(job.job_id, {"word": "given"})
note("start_job", [started.job_status, started.job_priority])
done = finished(jobs, job.job_id)
note("get_status", [done.job_id.value, done.pipeline_id.value, done.payload_id.value, done.name])
note("get_status result", [done.job_state, done.job_status, done.job_priority, dict(done.metadata)])
times = [done.date_created, done.date_started, done.date_stopped]
note("get_status times", [time.replace(tzinfo=datetime.timezone.utc).timestamp() for time in times])
note("get_status operators", {name: found["status"] for name, found in done.operator_details.items()})
refused("start_job again", jobs.start_job, job.job_id)
refused("get_status of none", jobs.get_status, JobId("0" * 32))
refused("upload after the start", payloads.upload, job.payload_id, "late", io.BytesIO(b"x"))
refused("remove_from after the start", payloads.remove_from, job.payload_id, "input/Path.txt")
note("job_logs", list(jobs.job_logs(job.job_id, "copy")))
note("job_logs of the orchestrator", list(jobs.job_logs(job.job_id, "clara-pod-manager")))
note("job_logs of none", list(jobs.job_logs(job.job_id, "nobody")))
note("jobs add_metadata", dict(jobs.add_metadata(job.job_id, {"result": "good"})))
note("jobs remove_metadata", dict(jobs.remove_metadata(job.job_id, ["RESULT"])))

target = io.BytesIO()
got = payloads.download_from(job.payload_id, "./operators/copy/input/image.mhd", dest_obj=target)
note("download_from", [got.name, got.size, target.getvalue() == large])
target = io.BytesIO()
payloads.download_from(job.payload_id, "INPUT/path.TXT", dest_obj=target)
note("download_from in other case", target.getvalue().decode())
got = payloads.download_from(job.payload_id, "/operators/copy/nothing", dest_obj=io.BytesIO())
note("download_from an empty file", [got.name, got.size])
refused("download_from outside", payloads.download_from, job.payload_id, "../../clara.db", io.BytesIO())
refused("download_from of nothing", payloads.download_from, job.payload_id, "input/missing", io.BytesIO())

waiting = jobs.create_job(pipeline, "second job")
refused("delete_payload of a job that waits", payloads.delete_payload, waiting.payload_id)
cancelled = jobs.cancel_job(waiting.job_id, "not needed")
note("cancel_job", [cancelled.job_id.value == waiting.job_id.value, cancelled.job_state, cancelled.job_status])
again = jobs.cancel_job(job.job_id)
note("cancel_job that has ended", [again.job_state, again.job_status])
note("cancel_job reason", list(jobs.get_status(waiting.job_id).messages))

note("list_jobs", [one.name for one in jobs.list_jobs()])
note("stream_jobs", [one.name for one in jobs.stream_jobs(JobFilter())])
stopped = JobFilter(has_job_state=[JobState.Stopped], has_job_status=[JobStatus.Healthy])
note("list_jobs that went well", [one.name for one in jobs.list_jobs(stopped)])
note("list_jobs that run", [one.name for one in jobs.list_jobs(JobFilter(has_job_state=[JobState.Running]))])
note("list_jobs of a pipeline", len(jobs.list_jobs(JobFilter(pipeline_ids=[pipeline]))))
note("list_jobs of a removed pipeline", len(jobs.list_jobs(JobFilter(pipeline_ids=[forced]))))
note("list_jobs created after", len(jobs.list_jobs(JobFilter(created_after=before))))
note("list_jobs completed before", len(jobs.list_jobs(JobFilter(completed_before=before))))

with tempfile.TemporaryDirectory() as folder:
    payloads.download_from(job.payload_id, "input/Path.txt", dest_path=f"{folder}/got")
    note("download_from to a path", Path(f"{folder}/got").read_text())
parts = list(payloads.upload_request_iterator(reusable.payload_id, "made by hand", io.BytesIO(large), 0o755))
answer = payloads._stub.Upload(iter(parts))
BaseClient.check_response_header(answer.header)
note("upload_request_iterator", [len(parts), answer.details.name, answer.details.mode, answer.details.size])
listed = next(iter(jobs._stub.List(jobs_pb2.JobsListRequest(header=BaseClient.get_request_header())))).job_details
for name, stamp in (("get_timestamp", listed.created), ("get_timestamp of a text", listed.timestamp_created)):
    time_of = jobs.get_timestamp(stamp)
    note(name, time_of.strftime("%Y-%m-%d %H:%M:%S"))
note("get_timestamp expected", listed.timestamp_created.rstrip("Z"))

second = payloads.create_payload()
payloads.upload(second.payload_id, "label.txt", file_object=io.BytesIO(b"label"))
both = jobs.create_job(pipeline, "third job", [reusable.payload_id, second.payload_id])
note("create_job with two payloads", names(payloads.get_details(both.payload_id)))
refused("create_job with a payload twice", jobs.create_job, pipeline, "x", [second.payload_id, second.payload_id])
jobs.cancel_job(both.job_id)

payloads.delete_payload(reusable.payload_id)
refused("delete_payload twice", payloads.delete_payload, reusable.payload_id)
payloads.close()
refused("a closed client", payloads.get_details, job.payload_id)
payloads.reconnect()
note("reconnect", payloads.get_details(job.payload_id).payload_type)

clara = ClaraClient(*where)
version = clara.version()
note("version", [version.major, version.minor, version.patch, version.label])
note("list_utilization", [len(one.gpu_metrics) for one in clara.list_utilization()])
note("stream_utilization", len(next(iter(clara.stream_utilization())).gpu_metrics))

models = ModelsClient(*where)
note("list_models", models.list_models())
catalog = models.create_catalog()
note("create_catalog", catalog.value)
note("create_instance", models.create_instance().value)
models.delete_catalog(catalog)
refused("delete_catalog twice", models.delete_catalog, catalog)
refused("models add_metadata", models.add_metadata, ModelId("0" * 32), {"a": "b"})
refused("models remove_metadata", models.remove_metadata, ModelId("0" * 32), ["a"])

assert BaseClient.get_request_header().user_agent
clara.stop()
note("stop", True)
sys.stdout.write(json.dumps(said))
