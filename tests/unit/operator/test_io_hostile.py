"""Files for `clara.io` that lie, are damaged or cut off: one kind of error, and no more memory than they can fill."""

import contextlib
import gzip
import io
import zipfile

import clara
import numpy as np
import pytest
from clara import io_npz, io_npz_array
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


@pytest.fixture
def small_blocks(monkeypatch):
    """So that small arrays have many."""
    monkeypatch.setattr(io_npz, "BLOCK", 100)
    monkeypatch.setattr(io_npz_array, "_PIECE", 60)


def edited(data, old, new):
    assert data.count(old) == 1
    return data.replace(old, new)


@pytest.mark.parametrize(
    "shape", ["(-1, 5), ", "(99999999999, 99999999999), ", "(7, ), ", "(1,), 'x': 3, ", "__import__('os'), "]
)
@pytest.mark.parametrize("compress", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_an_npz_whose_header_lies_is_refused(tmp_path, shape, compress):
    member = io.BytesIO()
    np.save(member, np.arange(6).reshape(2, 3))
    head, rest = member.getvalue()[:10], member.getvalue()[10:]
    text, numbers = rest[:118], rest[118:]
    lying = edited(text, b"(2, 3), ", shape.encode()).rstrip().ljust(len(text) - 1)[:117] + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w", compress) as archive:
        archive.writestr("v.npy", head + lying + numbers)
    with pytest.raises(clara.Error, match=r"is no readable \.npz file"):
        clara.io.read_npz(tmp_path / "a.npz")


@given(data=st.data())
@HERE
def test_hostile_bytes_in_an_npz_are_told_and_nothing_else(tmp_path, small_blocks, data):
    path = tmp_path / "a.npz"
    clara.io.write_npz(path, v=np.arange(500, dtype="i2"), w=np.float32(3))
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[place] = data.draw(st.integers(0, 255))
        else:
            del whole[place : place + data.draw(st.integers(1, 40))]
        if not whole:
            break
    path.write_bytes(whole)
    with contextlib.suppress(clara.Error):
        for array in clara.io.read_npz(path).values():
            assert array.nbytes <= 1000


@pytest.mark.parametrize("packed", ["plain", "gzip", "bgzf"])
@given(data=st.data())
@HERE
def test_hostile_bytes_in_a_nifti_file_are_told_and_nothing_else(tmp_path, packed, data):
    """Also a header that asks for more memory than there is."""
    path = tmp_path / ("a.nii" if packed == "plain" else "a.nii.gz")
    clara.io.write_nifti(path, np.arange(2000, dtype="i2").reshape(10, 20, 10))
    whole = bytearray(path.read_bytes())
    inner = bytearray(gzip.decompress(whole)) if packed == "gzip" else whole
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, min(len(inner) - 1, data.draw(st.sampled_from([130, 400, 5000])))))
        inner[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del inner[data.draw(st.integers(0, len(inner))) :]
    path.write_bytes(gzip.compress(inner) if packed == "gzip" else inner)
    with contextlib.suppress(clara.Error):
        assert clara.io.read_nifti(path).nbytes < 1 << 20
