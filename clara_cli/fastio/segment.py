"""One anonymous shared memory segment: a file of `/dev/shm` that never has a name."""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass

from clara_cli.errors import RuntimeFailure

SHARED_MEMORY = "/dev/shm"


@dataclass(eq=False)
class Segment:
    """A segment of no bytes yet.

    Attributes:
        writable: descriptor for its producer; None once closed.
        readonly: descriptor for its consumers; None once closed. The file's mode is 0400, so an ordinary user
            cannot open it for writing through this descriptor.
        inode: number by which a process knows that an inherited descriptor is this segment.
    """

    writable: int | None
    readonly: int | None
    inode: int

    def close_writable(self) -> None:
        """Nobody gets a writable descriptor any more."""
        if self.writable is not None:
            os.close(self.writable)
            self.writable = None

    def has_writer(self) -> bool:
        """Whether a process may still write: it has a writable descriptor or mapping, or the kernel does not say.

        A lease for reading is granted only while there is none (fcntl(2)); it is given back at once. Nobody is asked
        for it, so this takes some microseconds, where looking through all processes takes milliseconds.
        """
        if self.readonly is None:
            return True
        try:
            fcntl.fcntl(self.readonly, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(self.readonly, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError:
            return True
        return False

    def close(self) -> None:
        """The memory is free once operators have closed theirs too."""
        self.close_writable()
        if self.readonly is not None:
            os.close(self.readonly)
            self.readonly = None


def create_segment() -> Segment:
    """Make a segment of size 0; nothing is left of it when every process that holds it is gone.

    Raises:
        RuntimeFailure: no shared memory here, or no descriptors left.
    """
    try:
        writable = os.open(SHARED_MEMORY, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o400)
    except OSError as error:
        raise RuntimeFailure(f"cannot make shared memory in {SHARED_MEMORY}: {error.strerror}", _hint(error)) from error
    try:
        readonly = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        os.close(writable)
        raise RuntimeFailure(f"cannot open shared memory again: {error.strerror}", _hint(error)) from error
    return Segment(writable, readonly, os.fstat(writable).st_ino)


def _hint(error: OSError) -> str | None:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files: raise the limit (ulimit -n)"
    return f"FastIO variables need a writable {SHARED_MEMORY} (tmpfs)"
