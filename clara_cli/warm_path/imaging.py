"""What the system says of a process: its command line and its environment, as `ps` and `/proc` show them."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = _LIBC.sbrk.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_SET_MM, _SET_MM_MAP = 35, 14
# proc(5): the fields of /proc/self/stat, in the order in which prctl wants them.
_FIELDS = {"start_code": 26, "end_code": 27, "start_data": 45, "end_data": 46, "start_brk": 47, "start_stack": 28}


def describe(argv: list[str], environment: dict[str, str]) -> bool:
    """Have the system show these; False where it does not let a process say so.

    Not only for people: what an operator leaves behind is found by the job's id in its environment.
    """
    words = b"".join(os.fsencode(word) + b"\0" for word in argv)
    variables = b"".join(os.fsencode(name + "=" + value) + b"\0" for name, value in environment.items())
    # Memory of its own: the kernel shows no other.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    start = _LIBC.mmap(None, len(words) + len(variables), mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    if start in (None, ctypes.c_void_p(-1).value):
        return False
    ctypes.memmove(start, words + variables, len(words) + len(variables))
    middle = start + len(words)
    with open("/proc/self/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    own = [int(fields[number - 3]) for number in _FIELDS.values()]
    own.insert(5, _LIBC.sbrk(0))
    places = (*own, start, middle, middle, middle + len(variables))
    # No change of the auxiliary vector, nor of the file that runs.
    wanted = struct.pack("=11QQIi", *places, 0, 0, -1)
    return bool(_LIBC.prctl(_SET_MM, _SET_MM_MAP, wanted, len(wanted), 0) == 0)
