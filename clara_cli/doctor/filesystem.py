"""The file system of a folder, as `/proc/self/mountinfo` tells (proc(5))."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

NETWORK = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "smbfs", "virtiofs")
)
_NETWORK_FUSE = ("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph", "fuse.gvfsd")


@dataclass(frozen=True)
class FileSystem:
    """Its type, the options of the mount, and how much is free; `files` is None where files are not counted."""

    kind: str
    options: frozenset[str]
    free: int
    total: int
    files: int | None

    @property
    def is_network(self) -> bool:
        return self.kind in NETWORK or self.kind.startswith(_NETWORK_FUSE)


def file_system(folder: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> FileSystem:
    """The file system that an existing folder is on.

    Raises:
        OSError: the folder cannot be looked at.
    """
    sizes = os.statvfs(folder)
    kind, options = "unknown", frozenset[str]()
    try:
        kind, options = _mount(folder.resolve(), mountinfo.read_text("utf-8", "surrogateescape"))
    except OSError:
        pass
    return FileSystem(
        kind,
        options,
        sizes.f_bavail * sizes.f_frsize,
        sizes.f_blocks * sizes.f_frsize,
        sizes.f_favail if sizes.f_files else None,
    )


def _mount(folder: Path, text: str) -> tuple[str, frozenset[str]]:
    """Type and options of the innermost mount; of two on one folder the later one counts."""
    best, found = -1, ("unknown", frozenset[str]())
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        words = before.split()
        if len(words) < 6 or not after:
            continue
        place = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), words[4]))
        if (place == folder or place in folder.parents) and len(place.parts) >= best:
            best, found = len(place.parts), (after.split()[0], frozenset(words[5].split(",")))
    return found
