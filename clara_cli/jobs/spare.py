"""A runner that has loaded all it needs and waits for a job: `python -m clara_cli.jobs.spare SOCKET CONFIG_FILE`.

Started by `clara_cli.jobs.runners`, at the other end of the socket. It says READY, gets a job's id with its lock and
its log, and says TAKEN; where the socket ends before that, nobody needs it any more.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

READY, TAKEN = b"ready", b"taken"
_LONGEST = 1000


def main() -> int:
    """Wait for a job and run it to its end."""
    if os.fork():
        os._exit(0)  # the caller waits for this process only
    os.chdir("/")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    descriptor, config_file = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)
    from clara_cli.runtime.early_start import begin_early

    begin_early(["start"])
    with socket.socket(fileno=int(descriptor)) as channel:
        _load()
        try:
            channel.send(READY)
            job_id, descriptors, _, _ = socket.recv_fds(channel, _LONGEST, 2, socket.MSG_CMSG_CLOEXEC)
        except OSError:
            return 0
        if len(descriptors) != 2:
            return 0
        lock, log = descriptors
        for standard in (1, 2):
            os.dup2(log, standard)
        os.close(log)
        channel.send(TAKEN)
    from clara_cli.jobs.detached import run

    return run(job_id.decode(), lock, config_file)


def _load() -> None:
    """What running a job imports."""
    import yaml  # noqa: F401

    import clara_cli.config
    import clara_cli.database
    import clara_cli.jobs.clean
    import clara_cli.jobs.start
    import clara_cli.jobs.warm
    import clara_cli.root
    import clara_cli.runtime.listener
    import clara_cli.runtime.runner
    import clara_cli.runtime.stop  # noqa: F401


if __name__ == "__main__":
    sys.exit(main())
