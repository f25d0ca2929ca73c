"""A platform on another machine as the place where jobs run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from clara_cli.config import Config
from clara_cli.remote.connection import Connection

if TYPE_CHECKING:
    from clara_cli.remote.images import RemoteImages
    from clara_cli.remote.jobs import RemoteJobs
    from clara_cli.remote.models import RemoteModels
    from clara_cli.remote.payloads import RemotePayloads
    from clara_cli.remote.pipelines import RemotePipelines


class RemoteSite:
    """A `Site`. Files and definitions go by the published calls; records come by clara's own service, whole.

    What the published calls can do too works with servers that have no such service.
    """

    def __init__(self, connection: Connection, config: Config) -> None:
        self._connection = connection
        self.config = config

    @property
    def address(self) -> str:
        return str(self._connection.address)

    @property
    def warning(self) -> str | None:
        """What may be wrong with the way there."""
        if not self._connection.exposed:
            return None
        return f"the token is sent to {self.address} without TLS: --tls-ca, or `tls` in the configuration"

    @cached_property
    def pipelines(self) -> RemotePipelines:
        from clara_cli.remote.pipelines import RemotePipelines

        return RemotePipelines(self._connection)

    @cached_property
    def jobs(self) -> RemoteJobs:
        from clara_cli.remote.jobs import RemoteJobs

        return RemoteJobs(self._connection, self.pipelines.find, lambda: self.payloads, fast_io=self.config.fast_io)

    @cached_property
    def payloads(self) -> RemotePayloads:
        from clara_cli.remote.payloads import RemotePayloads

        return RemotePayloads(self._connection, self.jobs.describe, lambda text: self.jobs.find([text])[0])

    @cached_property
    def models(self) -> RemoteModels:
        from clara_cli.remote.models import RemoteModels

        return RemoteModels(self._connection)

    @cached_property
    def images(self) -> RemoteImages:
        from clara_cli.remote.images import RemoteImages

        return RemoteImages(self._connection)

    def version(self) -> str:
        """The version of the platform."""
        from clara_cli.server.wire.clara_pb2 import ClaraVersionRequest

        found = self._connection.ask(self._connection.clara.Version, ClaraVersionRequest()).version
        label = f"-{found.label}" if found.label else ""
        return f"{found.major}.{found.minor}.{found.patch}{label}"


@contextmanager
def connect(config: Config, command: str) -> Iterator[RemoteSite]:
    """The platform that the configuration names.

    Args:
        command: what the user called, for messages.

    Raises:
        ConfigError: a file for TLS or the token cannot be used.
    """
    connection = Connection(config, command)
    try:
        yield RemoteSite(connection, config)
    finally:
        connection.close()
