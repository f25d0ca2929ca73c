"""Files that lie, are cut short or are no volumes: one clear message, and nothing of their size in memory."""

from __future__ import annotations

import gzip
import os
import pickle
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import wait_until

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.reading import Asked, Shelf, open_volume
from clara_cli.volumes.window import default_window


def opened(path: Path, **more: Any) -> Any:
    return open_volume(Asked(path, str(path.parent.resolve()), **more))


def nifti(**fields: object) -> bytes:
    """A NIfTI file of 4 x 4 x 4 bytes with some fields of its header changed."""
    picture = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4))
    whole = bytearray(picture.to_bytes())
    header = np.frombuffer(whole, nib.nifti1.header_dtype, 1)
    for name, value in fields.items():
        header[name] = value
    return bytes(whole)


def npy(header: bytes, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


WRONG: list[tuple[str, bytes, str]] = [
    ("empty.nii", b"", "no NIfTI file"),
    ("text.nii", b"hello world" * 100, "no NIfTI file"),
    ("pair.nii", nifti(magic=b"ni1"), "one piece"),
    ("header-only.nii", nifti()[:348], "cut short"),
    ("half-a-header.nii", nifti()[:200], "no NIfTI file"),
    ("short.nii", nifti()[:-1], "cut short: 4 x 4 x 4 uint8 are 64 bytes, 63 are there"),
    ("huge.nii", nifti(dim=[[3, 32767, 32767, 32767, 1, 1, 1, 1]]), "cut short"),
    ("negative.nii", nifti(dim=[[3, -4, 4, 4, 1, 1, 1, 1]]), "makes no sense"),
    ("nothing.nii", nifti(dim=[[3, 0, 4, 4, 1, 1, 1, 1]]), "is empty"),
    ("one-axis.nii", nifti(dim=[[1, 4, 4, 4, 1, 1, 1, 1]]), "has 1 dimensions"),
    ("axes.nii", nifti(dim=[[99, 4, 4, 4, 1, 1, 1, 1]]), "no sense|cut short|dimensions"),
    ("type.nii", nifti(datatype=12345), "makes no sense"),
    ("offset.nii", nifti(vox_offset=np.nan), "makes no sense"),
    ("far.nii", nifti(vox_offset=1e30), "cut short"),
    ("nowhere.nii", nifti(sform_code=1, srow_x=[[0, 0, 0, 0]]), "affine cannot be inverted"),
    ("nan.nii", nifti(sform_code=1, srow_x=[[np.nan, 0, 0, 0]]), "affine cannot be inverted"),
    ("broken.nii.gz", gzip.compress(nifti())[:-30], "damaged or cut short"),
    ("bits.nii.gz", gzip.compress(nifti())[:10] + b"\xff" * 60, "damaged or cut short"),
    ("inner.nii.gz", gzip.compress(nifti()[:-1]), "cut short: 1 of 64 bytes are missing"),
    ("far.nii.gz", gzip.compress(nifti(vox_offset=1e12)), "cut short"),
    ("bomb.nii.gz", gzip.compress(nifti(dim=[[3, 32767, 32767, 32767, 1, 1, 1, 1]])), "has room for"),
    ("empty.npy", b"", "no array that can be read"),
    ("text.npy", b"not an array at all", "no array that can be read"),
    ("huge.npy", npy(b"{'descr':'<f8','fortran_order':False,'shape':(9999,9999,9999,9999),}"), "cut short"),
    ("overflow.npy", npy(b"{'descr':'<f8','fortran_order':False,'shape':(%d,)*9,}" % 10**18), "no array|dimensions"),
    ("code.npy", npy(b"__import__('os').system('touch /tmp/clara-was-here')"), "no array that can be read"),
    ("deep.npy", npy(b"(" * 5000), "no array that can be read"),
    ("text-in-it.npy", npy(b"{'descr':'<U4','fortran_order':False,'shape':(2,2),}", b"x" * 64), "no numbers"),
    ("moments.npy", npy(b"{'descr':'<M8[s]','fortran_order':False,'shape':(2,2),}", b"x" * 64), "no numbers"),
    ("no-axes.npy", npy(b"{'descr':'<f8','fortran_order':False,'shape':(),}", b"x" * 8), "has 0 dimensions"),
    ("empty.npz", b"", "damaged"),
    ("text.npz", b"PK nonsense" * 9, "damaged"),
    ("text.dcm", b"\0" * 128 + b"DICM" + b"\xff" * 40, "no DICOM image"),
    ("other.txt", b"text", "is no volume"),
]


@pytest.mark.parametrize(("name", "content", "said"), WRONG, ids=[name for name, _, _ in WRONG])
def test_what_is_wrong_is_said_in_one_line(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VolumeError, match=said) as raised:
        opened(tmp_path / name)
    assert raised.value.message.startswith(name)
    assert "\n" not in raised.value.message
    assert not Path("/tmp/clara-was-here").exists()


def test_objects_in_an_array_are_not_loaded(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "was-here"),)

    np.save(tmp_path / "a.npy", np.array([[Evil(), 1], [2, 3]], object))
    np.savez(tmp_path / "a.npz", it=np.array([[Evil(), 1], [2, 3]], object))
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Evil()))
    for name in ("a.npy", "a.npz", "b.npy"):
        with pytest.raises(VolumeError, match=r"Python objects|no array"):
            opened(tmp_path / name)
    assert not (tmp_path / "was-here").exists()


def archive(path: Path, change: Callable[[bytes], bytes], packed: bool) -> Path:
    (np.savez_compressed if packed else np.savez)(path, it=np.arange(4000, dtype=np.int32).reshape(10, 20, 20))
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_a_damaged_archive(packed: bool, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", lambda whole: whole[:-40], packed)
    with pytest.raises(VolumeError, match="damaged"):
        opened(path)
    # The bytes of the entry itself.
    path = archive(tmp_path / "b.npz", lambda whole: whole[:60] + b"\x55" * 300 + whole[360:], packed)
    with pytest.raises(VolumeError):
        opened(path)


def test_an_archive_that_says_it_is_huge(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as made, made.open("it.npy", "w") as entry:
        entry.write(npy(b"{'descr':'|u1','fortran_order':False,'shape':(9999,9999,9999),}"))
    with pytest.raises(VolumeError, match="cut short"):
        opened(tmp_path / "a.npz")


def test_an_empty_archive_and_one_of_other_things(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as made:
        made.writestr("readme.txt", "hello")
    with pytest.raises(VolumeError, match=r"a\.npz holds no arrays"):
        opened(tmp_path / "a.npz")


def test_only_files_of_the_payload_are_opened(tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    payload.mkdir()
    (tmp_path / "outside.nii").write_bytes(nifti())
    (payload / "link.nii").symlink_to("../outside.nii")
    os.mkfifo(payload / "fifo.nii")
    for name, said in (("link.nii", "leads out of the payload"), ("fifo.nii", "a FIFO"), ("gone.nii", "No such file")):
        with pytest.raises(VolumeError, match=said):
            opened(payload / name)


def test_a_file_that_becomes_shorter_while_it_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(nifti())
    volume = opened(tmp_path / "a.nii")
    os.truncate(tmp_path / "a.nii", 370)
    with pytest.raises(VolumeError, match="became shorter while it was read"):
        volume.slice(Plane.AXIAL, 3)


def test_what_is_no_number_is_black_and_does_not_count(tmp_path: Path) -> None:
    array = np.full((4, 8, 8), np.nan, np.float32)
    array[0, 0] = (np.inf, -np.inf, 1, 2, 3, 4, 5, 6)
    np.save(tmp_path / "a.npy", array)
    window = default_window(opened(tmp_path / "a.npy"))
    assert 1 <= window.low < window.high <= 6
    np.save(tmp_path / "b.npy", np.full((2, 2, 2), np.nan))
    assert default_window(opened(tmp_path / "b.npy")).width > 0


def test_a_slice_that_is_larger_than_any_screen(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(npy(b"{'descr':'|u1','fortran_order':False,'shape':(1,9000,9000),}"))
    os.truncate(path, path.stat().st_size + 9000 * 9000)
    volume = opened(path)
    with pytest.raises(VolumeError, match="slices have 9,000 x 9,000 pixels"):
        default_window(volume)
    assert volume.slice(Plane.CORONAL, 5).shape == (1, 9000)


def test_a_large_file_takes_no_memory(tmp_path: Path) -> None:
    """Half a gigabyte, most of it a hole: no more than a slice and the blocks it is in are read."""
    shape = (512, 512, 1024)
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.int16)
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    with (tmp_path / "a.nii").open("wb") as file:
        file.write(header.binaryblock)
        file.truncate(352 + 2 * 512 * 512 * 1024)
    tracemalloc.start()
    try:
        volume = opened(tmp_path / "a.nii")
        for plane in Plane:
            volume.slice(plane, 5)
        default_window(volume)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    name=st.sampled_from(["a.nii", "a.nii.gz", "a.npy", "a.npz"]),
    changes=st.lists(st.tuples(st.integers(0, 500), st.binary(min_size=1, max_size=8)), max_size=6),
    end=st.integers(0, 700),
)
def test_damage_anywhere_is_one_message_or_a_picture(
    name: str, changes: list[tuple[int, bytes]], end: int, tmp_path: Path
) -> None:
    array = np.arange(64, dtype=np.int16).reshape(4, 4, 4)
    path = tmp_path / name
    if name.startswith("a.nii"):
        nib.save(nib.Nifti1Image(array, np.eye(4)), path)
    else:
        (np.save if name == "a.npy" else np.savez_compressed)(path, array)
    whole = bytearray(path.read_bytes())
    for place, part in changes:
        whole[place : place + len(part)] = part
    path.write_bytes(whole[: max(end, 20)])
    try:
        volume = opened(path)
        for plane in Plane:
            assert volume.slice(plane, 0).ndim == 2
    except VolumeError as error:
        assert error.message.startswith(name)


def test_a_volume_is_kept_until_its_file_changes(tmp_path: Path) -> None:
    shelf, path = Shelf(2), tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(nifti()))
    asked = Asked(path, str(tmp_path))
    first = shelf.open(asked)
    assert shelf.open(asked) is first
    os.utime(path, ns=(1, 1))
    assert shelf.open(asked) is not first
    for name in ("b.nii", "c.nii"):
        shutil.copy(path, tmp_path / name)
        shelf.open(Asked(tmp_path / name, str(tmp_path)))
    assert shelf.open(asked) is not first
    path.unlink()
    with pytest.raises(VolumeError, match="is gone"):
        shelf.open(asked)
    shelf.clear()


def test_what_nobody_looks_at_any_more_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(nifti())
    shelf = Shelf(patience=0.01)
    shelf.open(Asked(path, str(tmp_path)))
    inode = path.stat().st_ino

    def held() -> bool:
        return any(each.exists() and each.stat().st_ino == inode for each in Path("/proc/self/fd").iterdir())

    wait_until(lambda: not held(), "the file to be closed")
