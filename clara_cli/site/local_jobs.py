"""Jobs of a root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from clara_cli.config import Config
    from clara_cli.database import Database
    from clara_cli.jobs.clean import Ended
    from clara_cli.jobs.model import Job
    from clara_cli.jobs.runners import Runners
    from clara_cli.jobs.states import JobPriority
    from clara_cli.payloads.upload import Meter
    from clara_cli.retention import Retention
    from clara_cli.runtime.fork_server import ForkServer
    from clara_cli.site.local_logs import LocalLogs
    from clara_cli.site.local_start import LocalStart
    from clara_cli.site.model import CreatedJob, DescribedJob, JobAgain, LogQuery, Progress


class LocalJobs:
    """The `Jobs` of a `LocalSite`."""

    def __init__(self, database: Database, config: Config, config_file: str | None, runners: Runners | None) -> None:
        self._database = database
        self._config = config
        self._config_file = config_file
        self._runners = runners
        self._warm: ForkServer | None = None

    def _recover(self) -> None:
        from clara_cli.jobs.recovery import recover

        recover(self._database)

    def create(
        self,
        name: str,
        pipeline: str,
        source: Path | None,
        priority: JobPriority,
        *,
        payloads: Sequence[str] = (),
        metadata: Mapping[str, str] = MappingProxyType({}),
        meter: Meter | None = None,
    ) -> CreatedJob:
        from clara_cli.jobs.actions import create_job
        from clara_cli.site.model import CreatedJob

        made = create_job(
            self._database, name, pipeline, source, priority, payloads=payloads, metadata=metadata, meter=meter
        )
        folder = None if self._database.root.documented else str(made.tree.path)
        return CreatedJob(made.job.id, made.job.payload_id, made.uploaded, folder, str(made.tree.operators))

    def again(self, text: str, start: str | None, values: Mapping[str, str]) -> JobAgain:
        from clara_cli.jobs.rerun import rerun_job
        from clara_cli.site.model import JobAgain

        self._recover()
        made = rerun_job(self._database, text, start, values)
        return JobAgain(made.job.id, made.job.payload_id, made.reused, made.running, str(made.shared), made.notices)

    def list(self) -> Sequence[Job]:
        from clara_cli.jobs.store import list_jobs

        self._recover()
        with self._database.read() as connection:
            return list_jobs(connection)

    def rows(self) -> Sequence[Sequence[str | None]]:
        from clara_cli.jobs.listing import job_rows

        self._recover()
        with self._database.read() as connection:
            return job_rows(connection)

    def ids(self) -> Sequence[str]:
        from clara_cli.jobs.listing import job_ids

        self._recover()
        with self._database.read() as connection:
            return job_ids(connection)

    @contextmanager
    def together(self) -> Iterator[None]:
        from clara_cli.jobs.warm import warm_start

        with warm_start(self._config) as warm:
            self._warm = warm
            try:
                yield
            finally:
                self._warm = None

    def describe(self, text: str, *, processes: bool = False) -> DescribedJob:
        from clara_cli.jobs.actions import find_job
        from clara_cli.site.model import DescribedJob

        self._recover()
        view = find_job(self._database, text)
        started = {}
        if processes:
            from clara_cli.runtime.started import read_started

            found = ((operator.name, read_started(view.folder, operator.name)) for operator in view.operators)
            started = {name: process for name, process in found if process is not None}
        folder = view.tree.path
        return DescribedJob(
            view.job, view.operators, view.messages, view.metadata, str(folder), folder.is_dir(), started, view.placed
        )

    def start(self, text: str, values: Mapping[str, str], progress: Progress, *, reuse: bool = False) -> LocalStart:
        from clara_cli.jobs.start import submit_job
        from clara_cli.site.local_start import LocalStart

        self._recover()
        submitted = submit_job(self._database, self._config, text, values, progress, reuse=reuse)
        return LocalStart(submitted, self._config, self._config_file, self._warm, self._runners)

    def after(self) -> str | None:
        from clara_cli.retention import NO_LIMIT

        if self._config.clean == NO_LIMIT:
            return None
        from clara_cli.jobs.clean import clean_as_configured

        return clean_as_configured(self._database, self._config)

    def ask_to_cancel(self, text: str, reason: str) -> str:
        from clara_cli.jobs.ending import ask_to_cancel, end_elsewhere

        self._recover()
        job_id = ask_to_cancel(self._database, text, reason)
        end_elsewhere(self._database, [job_id])
        return job_id

    def finish_cancelling(self, job_id: str) -> Job:
        from clara_cli.jobs.ending import finish_cancelling

        return finish_cancelling(self._database, job_id)

    def find(self, texts: Sequence[str]) -> Sequence[str]:
        from clara_cli.ids import resolve

        with self._database.read() as connection:
            return list(dict.fromkeys(resolve(connection, "job", text) for text in texts))

    def wait(self, job_id: str, seconds: float | None) -> Job:
        from clara_cli.jobs.ending import wait_for_end

        return wait_for_end(self._database, job_id, seconds)

    def deletable(self, texts: Sequence[str]) -> Sequence[Job]:
        from clara_cli.jobs.removal import find_jobs

        self._recover()
        return find_jobs(self._database, texts)

    def delete(self, jobs: Sequence[Job], *, keep_payload: bool) -> Sequence[str]:
        from clara_cli.jobs.removal import delete_jobs

        delete_jobs(self._database, jobs, keep_payload)
        return [str(self._database.root.payloads / job.payload_id) for job in jobs] if keep_payload else []

    def logs(self, query: LogQuery) -> LocalLogs:
        from clara_cli.site.local_logs import LocalLogs

        return LocalLogs(self._database, query)

    def cleanable(self, limits: Retention | None) -> Sequence[Ended]:
        from clara_cli.errors import UsageError
        from clara_cli.jobs.clean import find_cleanable
        from clara_cli.retention import NO_LIMIT

        wanted = limits or self._config.clean
        if wanted == NO_LIMIT:
            raise UsageError("no limit: expected --older-than 7d or --max-size 50G, or limits in the configuration")
        self._recover()
        return find_cleanable(self._database, wanted)

    def clean(self, chosen: Sequence[Ended]) -> Sequence[Ended]:
        from clara_cli.jobs.clean import clean

        return clean(self._database, chosen)
