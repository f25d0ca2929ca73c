"""Large variables in huge pages: few page faults and few entries in page tables, whatever the size."""

import mmap
import os
import platform
import resource
from pathlib import Path

import pytest
from clara import huge_pages, memory
from clara.mapping import Mapping

SWITCH = Path("/sys/kernel/mm/transparent_hugepage/shmem_enabled")
SIZE = 33 << 20


def kernel_can() -> bool:
    release = tuple(int(part) for part in platform.release().split(".")[:2])
    return release >= (6, 1) and SWITCH.exists() and "[deny]" not in SWITCH.read_text()


needs_kernel = pytest.mark.skipif(not kernel_can(), reason="needs Linux 6.1 with huge pages for shared memory")


@pytest.fixture
def descriptor(monkeypatch):
    monkeypatch.setattr(huge_pages, "_DEAR", 1000.0)
    number = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR, 0o600)
    yield number
    os.close(number)


def mapped(address: int, field: str) -> int:
    """KiB that the kernel tells of the mapping with this address."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, _, rest = line.partition("-")
        if rest and all(digit in "0123456789abcdef" for digit in first):
            inside = int(first, 16) <= address < int(rest.split()[0], 16)
        elif inside and line.startswith(field + ":"):
            return int(line.split()[1])
    raise AssertionError(f"no {field} at {address:x}")


@needs_kernel
def test_producer_and_consumer_take_a_few_page_faults(descriptor):
    memory.reserve(descriptor, SIZE, "v")
    producer = Mapping(descriptor, SIZE, True, "v")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    written = producer.array("uint8", [SIZE])
    written[:: mmap.PAGESIZE] = 7
    read = Mapping(descriptor, SIZE, False, "v").array("uint8", [SIZE])
    assert int(read[:: mmap.PAGESIZE].min()) == 7
    # one for each huge page in each mapping, and the small pages of the last MiB; it would be 16,900
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 1000
    for view in (written, read):
        assert mapped(view.ctypes.data, "ShmemPmdMapped") == 32 << 10
    producer.detach(descriptor)
    written.flags.writeable = True
    written[5] = 9
    assert read[5] == 0 and written[5] == 9


@pytest.mark.parametrize("nbytes", [SIZE, huge_pages.HUGE, huge_pages.HUGE - 1, (4 << 20) + 1])
@pytest.mark.parametrize("can", [True, False])
def test_with_and_without_huge_pages_it_is_the_same_memory(descriptor, nbytes, can, monkeypatch):
    if not can:  # as a kernel that does not know the request
        monkeypatch.setattr(huge_pages, "_MADV_COLLAPSE", 9999)
    memory.reserve(descriptor, nbytes, "v")
    found = os.fstat(descriptor)
    assert found.st_size == nbytes and nbytes <= found.st_blocks * 512 < nbytes + (1 << 16)
    mapping = Mapping(descriptor, nbytes, True, "v")
    view = mapping.array("uint8", [nbytes])
    assert not view.any() and len(mapping.memory()) == nbytes
    view[-1], view[0] = 3, 4
    assert os.pread(descriptor, 1, nbytes - 1) == b"\3" and os.pread(descriptor, 1, 0) == b"\4"
    reader = Mapping(descriptor, nbytes, False, "v")
    assert reader.memory().readonly and bytes(reader.memory()[-1:]) == b"\3"
    with pytest.raises(ValueError, match="WRITEABLE"):
        reader.array("uint8", [nbytes]).flags.writeable = True


def test_no_room_for_an_aligned_mapping_is_no_failure(descriptor, monkeypatch):
    def refuse(*_):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(huge_pages, "map_over", refuse)
    memory.reserve(descriptor, SIZE, "v")
    view = Mapping(descriptor, SIZE, True, "v").array("uint8", [SIZE])
    view[-1] = 3
    assert os.pread(descriptor, 1, SIZE - 1) == b"\3"


@needs_kernel
@pytest.mark.parametrize(("later", "huge"), [(-1000.0, 2), (1000.0, 14)])
def test_dear_huge_pages_are_weighed_against_small_ones(descriptor, monkeypatch, later, huge):
    monkeypatch.setattr(huge_pages, "_DEAR", -1.0)
    monkeypatch.setattr(huge_pages, "_AHEAD", 8)
    monkeypatch.setattr(huge_pages, "_LATER", later)
    memory.reserve(descriptor, SIZE, "v")
    assert os.fstat(descriptor).st_blocks * 512 >= SIZE
    view = Mapping(descriptor, SIZE, True, "v").array("uint8", [SIZE])
    view[:: mmap.PAGESIZE] = 1
    # of nine pieces one is tried in huge pages and one in small ones; then comes the cheaper kind
    assert mapped(view.ctypes.data, "ShmemPmdMapped") == huge * (2 << 10)
