"""The process of a detached job's runner: `python -m clara_cli.jobs.detached JOB_ID LOCK CONFIG_FILE`.

Started by `clara_cli.jobs.start.run_detached`, which hands on the job's lock as a descriptor.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """Run the job to its end; what goes wrong is in the job's record and in its `runner.log`."""
    if os.fork():
        os._exit(0)  # the caller waits for this process only
    os.chdir("/")
    from clara_cli.runtime.early_start import begin_early

    begin_early(["start"])
    job_id, lock, config_file = sys.argv[1:]
    os.set_inheritable(int(lock), False)
    return run(job_id, int(lock), config_file)


def run(job_id: str, lock: int, config_file: str) -> int:
    """Run a job whose lock was handed on, in this process; returns the status to end with."""
    from clara_cli.config import load_config
    from clara_cli.database import Database
    from clara_cli.jobs.clean import clean_as_configured
    from clara_cli.jobs.start import resume_submitted, run_job
    from clara_cli.jobs.warm import warm_start
    from clara_cli.root import choose_root
    from clara_cli.runtime.listener import Silent
    from clara_cli.runtime.stop import StopRequest

    config = load_config(config_file or None)
    stop = StopRequest()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: stop.request(f"the runner got {signal.Signals(got).name}"))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with (
        Database(choose_root(config)) as database,
        resume_submitted(database, config, job_id, lock) as submitted,
    ):
        with warm_start(config, submitted.plan) as warm:
            result = run_job(submitted, Silent(), stop, warm)
        if told := clean_as_configured(database, config):
            sys.stderr.write(f"{told}\n")
        return 0 if result.succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
