"""Running the console in this process, to its end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import uvicorn

from clara_cli.config import load_config
from clara_cli.console.app import create_app
from clara_cli.console.desk import Desk
from clara_cli.console.options import Options
from clara_cli.console.process import CONSOLE
from clara_cli.errors import RuntimeFailure
from clara_cli.root import choose_root

# Seconds that answers have to end by themselves when the console stops.
_GRACE = 3


def run(options: Options, config_file: str | None, ready: Callable[[Options], None]) -> None:
    """Be the console of the configured root; returns when it was asked to end.

    Args:
        ready: told the options with the port that is listened on.

    Raises:
        StateConflict: the root has one already.
        ClaraError: it cannot listen, or the token or the root cannot be used.
    """
    _log_to_stderr()
    config = load_config(config_file)
    root = choose_root(config)
    with CONSOLE.registered(root) as register:
        sockets = _listen(options)
        found = replace(options, port=sockets[0].getsockname()[1])

        def listening() -> None:
            register.write(found)
            logging.getLogger("clara.console").info("listening on %s", ", ".join(found.addresses()))
            ready(found)

        desk = Desk(root, config, config_file, found, listening)
        settings = uvicorn.Config(
            create_app(desk),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
            # A client may not make this process hold more of a request's head than this.
            h11_max_incomplete_event_size=64 << 10,
        )
        _Server(settings, desk).run(sockets)


class _Server(uvicorn.Server):
    """Ends when it is asked to, with exit status 0; whoever waits for news is told that there will be none."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not as inherited: that sends the signal to this process once more at the end.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        self._desk.end()


def _listen(options: Options) -> list[socket.socket]:
    """The sockets; on this machine's IPv6 loopback address too, where browsers may look for `localhost` first."""
    try:
        family = socket.getaddrinfo(options.host, None, type=socket.SOCK_STREAM)[0][0]
        first = socket.create_server((options.host, options.port), family=family, backlog=512)
    except OSError as error:
        port = options.port + 1 if options.port < 65535 else options.port - 1
        known = error.errno is not None and not isinstance(error, socket.gaierror)
        reason = os.strerror(error.errno or 0) if known else error.strerror
        raise RuntimeFailure(
            f"cannot listen on {options.addresses()[0]}: {reason}",
            hint=f"clara console start --port {port}",
        ) from error
    sockets = [first]
    if options.host in ("127.0.0.1", "localhost") and family == socket.AF_INET:
        try:
            sockets.append(socket.create_server(("::1", first.getsockname()[1]), family=socket.AF_INET6, backlog=512))
        except OSError:
            pass  # no IPv6 here, or another program's port: the IPv4 address stays
    return sockets


def _log_to_stderr() -> None:
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(form)
    for name, level in (("clara.console", logging.INFO), ("uvicorn", logging.WARNING)):
        log = logging.getLogger(name)
        log.addHandler(handler)
        log.setLevel(level)
        log.propagate = False
