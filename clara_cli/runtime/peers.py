"""Who is connected to a job's socket: operators' drivers and observers, each served as its packets arrive."""

from __future__ import annotations

from collections.abc import Callable

from clara_cli.runtime.job_socket import JobSocket, Peer
from clara_cli.runtime.requests import Desk
from clara_cli.runtime.watch import Watch

# Connections beyond one for each running operator; more are turned away.
SPARE = 24


class Peers:
    """The connections of one job.

    Args:
        running: how many operators run.
        left: told of each connection that ended.
    """

    def __init__(
        self, listening: JobSocket, desk: Desk, watch: Watch, running: Callable[[], int], left: Callable[[Peer], None]
    ) -> None:
        self._socket = listening
        self._desk = desk
        self._watch = watch
        self._running = running
        self._left = left
        self._peers: set[Peer] = set()
        watch.descriptor(listening.fileno(), self._accept)

    def close(self) -> None:
        """Hang up."""
        for peer in self._peers:
            peer.close()

    def _accept(self) -> None:
        peer = self._socket.accept()
        if peer is not None and len(self._peers) >= SPARE + self._running():
            peer.close()
        elif peer is not None:
            self._peers.add(peer)
            self._watch.descriptor(peer.connection.fileno(), lambda: self._serve(peer))

    def _serve(self, peer: Peer) -> None:
        try:
            request = peer.receive()
        except BlockingIOError:
            return
        if request is not None:
            self._desk.answer(peer, request)
            return
        self._desk.leave(peer)
        self._peers.discard(peer)
        self._watch.forget(peer.connection.fileno())
        peer.close()
        self._left(peer)
