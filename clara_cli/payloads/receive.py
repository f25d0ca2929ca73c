"""Files of a payload that arrive in pieces: kept aside until all of them are there, then put in place together."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import PayloadError, StoreError
from clara_cli.payloads.actions import check_writable, find_payload, incoming, place_files
from clara_cli.payloads.model import Payload
from clara_cli.payloads.names import BadFileName, parse_name, show_name
from clara_cli.quantities import show_size
from clara_cli.root import Root

_FULL = (errno.ENOSPC, errno.EDQUOT)
# Pieces that the kernel takes at once.
_IOV_MAX = 1024
# Bytes after which the room on the disk is looked at again, and what a file counts at least.
_LOOK, _LEAST = 64 << 20, 4096


class DiskFull(PayloadError):
    """The disk is as full as the platform may make it."""


def check_room(root: Root, percent: int, coming: int = 0) -> None:
    """Raise DiskFull when so many bytes more would fill the disk of the payloads to more than `percent`."""
    try:
        system = os.statvfs(root.payloads)
    except OSError as error:
        raise StoreError(f"cannot use the folder {root.payloads}: {error.strerror}") from error
    total = system.f_blocks * system.f_frsize
    free = system.f_bavail * system.f_frsize
    hint = "clara clean removes payloads of ended jobs; `storage_percent` in the configuration is the limit"
    # Some file systems have no number of files that they can hold.
    if system.f_files and system.f_files - system.f_favail > system.f_files * percent / 100:
        used = f"{system.f_files - system.f_favail} files of the {system.f_files} that it can hold"
        raise DiskFull(
            f"the disk of {root.payloads} has {used}, and the platform fills it to {percent} percent at most", hint
        )
    if total - free + coming > total * percent / 100:
        raise DiskFull(
            f"the disk of {root.payloads} is full to {100 * (total - free) / max(total, 1):.0f} percent "
            f"({show_size(free)} are free), and the platform fills it to {percent} percent at most",
            hint,
        )


class Reception:
    """Files on their way into a payload. Whoever makes one has to close it, or the files stay aside.

    Raises:
        NotFound: no such payload.
        StateConflict: the payload is read-only.
        DiskFull: there is no room.
    """

    def __init__(self, database: Database, payload_id: str, storage_percent: int) -> None:
        self.payload: Payload = find_payload(database, payload_id)
        self._root = database.root
        self._percent = storage_percent
        self._seen: set[str] = set()
        self._file: int | None = None
        self._unchecked = 0
        check_room(self._root, storage_percent)
        check_writable(database, self.payload)
        self._closing = ExitStack()
        self._aside: Path = self._closing.enter_context(incoming(database, self.payload))

    def begin(self, name: str, mode: int) -> None:
        """The next file; what is written from now on belongs to it.

        Args:
            mode: its permission bits; 0 for the usual ones.

        Raises:
            BadFileName: the name leads out of the payload, is none, or was there before.
        """
        parts = parse_name(name)
        if not parts or name.endswith("/"):
            raise BadFileName(f'"{show_name(name)}" is no name of a file')
        own = "/".join(parts)
        if own in self._seen:
            raise BadFileName(f"the file {show_name(own)} is there twice in one upload")
        self._seen.add(own)
        self._end_file()
        self._count(_LEAST)
        place = self._aside / own
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(place, flags, 0o600)
            # Its owner can always read and replace it.
            os.fchmod(self._file, (mode & 0o777 or 0o644) | 0o600)
        except OSError as error:
            raise _explained(own, error) from error

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """The next bytes of the file.

        Raises:
            DiskFull: there is no room for them.
        """
        assert self._file is not None
        self._count(sum(map(len, pieces)))
        left = [memoryview(piece) for piece in pieces if piece]
        try:
            while left:
                done = os.writev(self._file, left[:_IOV_MAX])
                while left and done >= len(left[0]):
                    done -= len(left.pop(0))
                if left:
                    left[0] = left[0][done:]
        except OSError as error:
            raise _explained("the upload", error) from error

    def _count(self, size: int) -> None:
        self._unchecked += size
        if self._unchecked >= _LOOK:
            self._unchecked = 0
            check_room(self._root, self._percent, size)

    def finish(self, database: Database) -> None:
        """Put all files in place, replacing those that are there.

        Raises:
            StateConflict: the payload has become read-only.
            PayloadError: a file cannot be put in place.
        """
        self._end_file()
        place_files(database, self.payload, self._aside)

    def close(self) -> None:
        """Remove what is still aside."""
        self._end_file()
        self._closing.close()

    def _end_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _explained(name: str, error: OSError) -> PayloadError:
    if error.errno in _FULL:
        return DiskFull(f"no room for {show_name(name)}: {error.strerror}; nothing was kept")
    return PayloadError(f"cannot store {show_name(name)}: {error.strerror}; nothing was kept")
