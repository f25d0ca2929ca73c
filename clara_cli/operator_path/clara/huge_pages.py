"""Huge pages for shared memory: one entry of the page table where 512 would be needed.

What it takes to fill and map a large array in shared memory is mostly the kernel's work on its pages, and so is the
end of a process that has it mapped. By itself the kernel gives shared memory huge pages only where an administrator
says so. Asked for a certain range (MADV_COLLAPSE, since Linux 6.1) it does so everywhere, unless they are denied.
"""

from __future__ import annotations

import mmap
import os
import time
from itertools import islice
from typing import Any, Callable

HUGE = 2 << 20
# values of Linux; the mmap module has them only in newer Pythons or not at all
MAP_FIXED = 0x10
MAP_NORESERVE = 0x4000
_MADV_COLLAPSE = 25
# Processor seconds that a huge page takes at most where one lies ready.
_DEAR = 0.001
# What 512 small pages cost later on: when they are filled, read, and taken down at the end of each process.
_LATER = 0.0012
# Pieces for which it counts which of both was cheaper.
_AHEAD = 32


def map_over(pages: mmap.mmap, offset: int, nbytes: int, flags: int, protection: int, descriptor: int) -> None:
    """Map the beginning of a file in the place of what is mapped there.

    Raises
    ------
    OSError
        The kernel refuses.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    address = _address(pages) + offset
    if libc.mmap(address, nbytes, protection, flags | MAP_FIXED, descriptor, 0) != address:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def map_aligned(descriptor: int, nbytes: int, protection: int) -> tuple[mmap.mmap, int]:
    """Map a file where huge pages can be mapped: a region, and at which offset of it the file begins.

    Raises
    ------
    OSError, ValueError, ImportError
        It cannot be done; a mapping at any address may still be possible.
    """
    region = mmap.mmap(-1, nbytes + HUGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE, protection)
    offset = -_address(region) % HUGE
    map_over(region, offset, nbytes, mmap.MAP_SHARED, protection, descriptor)
    return region, offset


def populate(descriptor: int, nbytes: int) -> None:
    """Give a file of shared memory its pages, huge ones as far as that is possible and cheap.

    Huge pages are dear where the kernel has to make room for them, or where a virtual machine first has to get the
    memory from its host. Then both kinds are tried. What is not done is left as it was, the file's size always.
    """
    if nbytes < HUGE:
        return
    import ctypes

    try:
        region, begin = map_aligned(descriptor, nbytes, mmap.PROT_READ | mmap.PROT_WRITE)
        madvise = ctypes.CDLL(None).madvise
        madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        address = _address(region) + begin

        def huge(offset: int) -> None:
            # the kernel turns down a range in which there is no page at all
            os.pwrite(descriptor, b"\0", offset)
            if madvise(address + offset, HUGE, _MADV_COLLAPSE) != 0:
                raise OSError

        def small(offset: int) -> None:
            os.posix_fallocate(descriptor, offset, HUGE)

        pieces = iter(range(0, nbytes - HUGE + 1, HUGE))
        for piece in pieces:
            spent = _spent(huge, piece)
            ahead = list(islice(pieces, _AHEAD)) if spent > _DEAR else []
            way = small if ahead and _spent(small, ahead[0]) + _LATER < spent else huge
            for other in ahead[1:]:
                way(other)
    except (OSError, ValueError):
        return


def _spent(function: Callable[[int], None], offset: int) -> float:
    """Processor seconds of a call: unlike seconds, not more when other programs are busy."""
    before = time.thread_time()
    function(offset)
    return time.thread_time() - before


def _address(pages: mmap.mmap) -> int:
    import ctypes

    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(pages))
    except TypeError:  # not writable, which ctypes cannot look at
        import numpy

        interface: Any = numpy.frombuffer(pages, numpy.uint8).__array_interface__
        return int(interface["data"][0])
