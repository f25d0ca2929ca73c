"""`clara.io` against nibabel, numpy, zipfile, gzip and unzip."""

from __future__ import annotations

import gc
import gzip
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import clara
import nibabel
import numpy as np
import pytest
from clara import io_codec, io_gzip, io_npz, io_npz_array
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support import nibabel_volumes, save_volume, truncate

DTYPES = ["u1", "i2", ">i2", "i4", "f4", ">f4", "f8", ">f8", "i1", "u2", "u4", "i8", "u8", "c8", "c16"]
HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.fixture(params=["fastest", "zlib"])
def codec(request, monkeypatch):
    """With isal and zlib-ng, and as in an interpreter that has neither."""
    if request.param == "zlib":
        monkeypatch.setattr(io_codec, "isal_zlib", None)
        monkeypatch.setattr(io_codec, "zlib_ng", None)
        monkeypatch.setattr(io_gzip, "igzip", None)
    return request.param


@pytest.fixture
def small_blocks(monkeypatch):
    """So that small arrays have many."""
    monkeypatch.setattr(io_npz, "BLOCK", 100)
    monkeypatch.setattr(io_npz_array, "_PIECE", 60)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("slope", "inter"), [(None, 0), (0.1, -3.7), (1, 5)])
@pytest.mark.parametrize("shape", [(7,), (5, 4), (5, 4, 35), (3, 4, 5, 2), (2, 3, 1, 2, 2)])
def test_reads_the_numbers_that_nibabel_reads(tmp_path, codec, suffix, dtype, slope, inter, shape):
    if slope is not None and np.dtype(dtype).kind not in "iu":
        slope = None
    stored = (np.arange(np.prod(shape)) % 120).reshape(shape).astype(dtype)
    path = tmp_path / f"a{suffix}"
    image = nibabel.Nifti1Image(stored, np.eye(4), dtype=stored.dtype)
    if np.dtype(dtype).byteorder == ">":
        image = nibabel.Nifti1Image(stored, np.eye(4), image.header.as_byteswapped(">"), dtype=stored.dtype)
    if slope is not None:
        image.header.set_slope_inter(slope, inter)
    nibabel.save(image, path)
    theirs = np.asarray(nibabel.load(path).dataobj)
    ours = clara.io.read_nifti(path)
    assert ours.dtype == theirs.dtype and ours.dtype.byteorder == theirs.dtype.byteorder
    np.testing.assert_array_equal(ours, theirs)
    assert ours.flags.f_contiguous
    if np.dtype(dtype).kind != "c":
        expected = nibabel.load(path).get_fdata(dtype=np.float64).astype("f4")
        for order in "CF":
            out = np.empty(shape, "f4", order=order)
            assert clara.io.read_nifti(path, out) is out
            np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("name", [p.name for p in sorted(nibabel_volumes().glob("*.nii*")) if "nii" in p.suffixes[0]])
def test_reads_the_volumes_that_come_with_nibabel(name):
    path = nibabel_volumes() / name
    theirs = nibabel.load(path)
    volume = clara.io.open_nifti(path)
    np.testing.assert_array_equal(volume.read(), np.asarray(theirs.dataobj))
    np.testing.assert_allclose(volume.affine, theirs.affine, rtol=0, atol=1e-6 * np.abs(theirs.affine).max())
    np.testing.assert_array_equal(volume.read(scaled=False), theirs.dataobj.get_unscaled())


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("affine", ["sform", "qform", "neither"])
def test_affines_and_both_kinds_of_nifti(tmp_path, suffix, kind, affine):
    matrix = nibabel.affines.from_matvec(np.diag([-2.0, 3, 4]) @ np.roll(np.eye(3), 1, axis=0), [5, -6, 7])
    image = kind(np.zeros((3, 4, 5), "i2"), matrix)
    image.header.set_sform(matrix, 1 if affine == "sform" else 0)
    image.header.set_qform(matrix, 1 if affine == "qform" else 0)
    nibabel.save(kind(np.zeros((3, 4, 5), "i2"), None, image.header), tmp_path / f"a{suffix}")
    theirs = nibabel.load(tmp_path / f"a{suffix}")
    ours = clara.io.open_nifti(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-5)
    assert ours.shape == (3, 4, 5)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@given(data=st.data())
@HERE
def test_nifti_round_trip_read_by_nibabel(tmp_path, name, data):
    dtype = data.draw(st.sampled_from(DTYPES))
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=5, max_side=5)))
    array = np.array(array, order=data.draw(st.sampled_from("CF")))
    affine = np.diag([1.5, -2, 3, 1])
    clara.io.write_nifti(tmp_path / name, array, affine)
    theirs = nibabel.load(tmp_path / name)
    np.testing.assert_array_equal(np.asarray(theirs.dataobj), array)
    np.testing.assert_array_equal(theirs.affine, affine)
    np.testing.assert_array_equal(clara.io.read_nifti(tmp_path / name), array)


SCALES = st.floats(-(2.0**60), 2.0**60, width=32, allow_subnormal=False)


@given(data=st.data(), slope=SCALES.filter(bool), inter=SCALES, big=st.booleans(), order=st.sampled_from("CF"))
@HERE
def test_scaled_numbers_are_those_of_nibabel(tmp_path, data, slope, inter, big, order):
    dtype = np.dtype(data.draw(st.sampled_from(["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"])))
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    stored = data.draw(hnp.arrays(dtype, shape))
    header = nibabel.Nifti1Header(endianness=">" if big else "<")
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header["scl_slope"], header["scl_inter"], header["vox_offset"], header["magic"] = slope, inter, 352, b"n+1"
    path = tmp_path / "a.nii"
    path.write_bytes(header.binaryblock + bytes(4) + stored.astype(header.get_data_dtype()).tobytes("F"))
    with np.errstate(all="ignore"):
        theirs = nibabel.load(path)
        expected = np.asarray(theirs.dataobj)
        found = clara.io.read_nifti(path, np.empty(shape, expected.dtype, order))
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(clara.io.open_nifti(path).read(scaled=False), theirs.dataobj.get_unscaled())


@pytest.mark.parametrize("size", [0xFF00, 0xFF00 * 64, 5_000_000])
@pytest.mark.parametrize("fill", ["noise", "zeros"])
def test_packed_nifti_is_a_gzip_file_in_parts(tmp_path, codec, size, fill):
    array = np.random.default_rng(1).integers(0, 256, size, "u1") if fill == "noise" else np.zeros(size, "u1")
    array = array.reshape(-1, 16)
    path = tmp_path / "a.nii.gz"
    clara.io.write_nifti(path, array)
    assert subprocess.run(["gzip", "-t", str(path)], check=False).returncode == 0
    assert gzip.decompress(path.read_bytes()).endswith(array.tobytes("F"))
    np.testing.assert_array_equal(clara.io.read_nifti(path), array)
    data = path.read_bytes()
    path.write_bytes(data + gzip.compress(b"more"))  # a member of another kind behind
    np.testing.assert_array_equal(clara.io.read_nifti(path), array)
    for cut in (len(data) // 2, len(data) - 40):
        path.write_bytes(data[:cut])
        with pytest.raises(clara.Error, match=r"a\.nii\.gz is (damaged|cut off)"):
            clara.io.read_nifti(path)


def test_the_order_of_the_file_needs_no_rearrangement(tmp_path):
    stored = np.arange(60, dtype="i2").reshape(3, 4, 5)
    path = save_volume(tmp_path / "a.nii.gz", stored)
    variable = np.zeros((5, 4, 3), "i2")
    clara.io.read_nifti(path, variable.T)
    np.testing.assert_array_equal(variable, stored.T)


BAD = {
    "not a readable NIfTI file": lambda path: path.write_bytes(b"some words"),
    "not marked": lambda path: path.write_bytes(b"\x5c\x01\0\0" + bytes(400)),
    "begin with a header": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "impossible": lambda path: alter(path, 40, b"\x09\0"),
    "data type 1": lambda path: alter(path, 70, b"\x01\0"),
    "one of a pair": lambda path: alter(path, 344, b"ni1\0"),
    "cannot begin": lambda path: alter(path, 108, np.float32(7).tobytes()),
    "intercept": lambda path: alter(path, 112, np.array([2, np.inf], "f4").tobytes()),
}


def alter(path, offset, data):
    whole = bytearray(path.read_bytes())
    whole[offset : offset + len(data)] = data
    path.write_bytes(whole)


@pytest.mark.parametrize("message", BAD)
def test_says_what_is_wrong_with_a_nifti_file(tmp_path, message):
    path = save_volume(tmp_path / "a.nii", np.zeros((2, 3, 4), "i2"))
    BAD[message](path)
    with pytest.raises(clara.Error, match=f"^a.nii.*{message}") as raised:
        clara.io.read_nifti(path)
    assert isinstance(raised.value, ValueError)


def test_damage_in_the_middle_is_found(tmp_path, codec):
    path = save_volume(tmp_path / "a.nii.gz", np.random.default_rng(1).integers(0, 99, (40, 40, 40)).astype("i2"))
    for place in (len(path.read_bytes()) // 2, -6):
        data = bytearray(path.read_bytes())
        data[place] ^= 0x55
        (tmp_path / "b.nii.gz").write_bytes(data)
        with pytest.raises(clara.Error, match=r"b\.nii\.gz is damaged"):
            clara.io.read_nifti(tmp_path / "b.nii.gz")
    with pytest.raises(clara.Error, match="cut off"):
        clara.io.read_nifti(truncate(path, tmp_path / "c.nii.gz"))


def test_out_must_fit(tmp_path):
    path = save_volume(tmp_path / "a.nii", np.zeros((2, 3, 4), "f4"))
    with pytest.raises(ValueError, match="its shape is"):
        clara.io.read_nifti(path, np.zeros((2, 3, 5), "f4"))
    with pytest.raises(TypeError, match="cannot be stored as int16"):
        clara.io.read_nifti(path, np.zeros((2, 3, 4), "i2"))
    with pytest.raises(FileNotFoundError):
        clara.io.read_nifti(tmp_path / "nothing.nii")


ARRAYS = hnp.arrays(
    st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(max_len=3), hnp.array_dtypes(max_size=2)),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
)


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")  # numpy's own
@given(arrays=st.dictionaries(st.text("abcåß_", min_size=1), ARRAYS, max_size=3), order=st.sampled_from("CFS"))
@HERE
def test_npz_round_trip_read_by_numpy(tmp_path, codec, small_blocks, arrays, order):
    path = tmp_path / "a.npz"
    given_ = {
        name: array[::2] if order == "S" and array.ndim else np.array(array, order=order.replace("S", "C"))
        for name, array in arrays.items()
    }
    clara.io.write_npz(path, **given_)
    ours = clara.io.read_npz(path)
    with np.load(path, allow_pickle=False) as theirs:
        assert list(theirs) == list(ours) == list(given_)
        for name, array in given_.items():
            for found in (theirs[name], ours[name]):
                assert found.dtype == array.dtype and found.shape == array.shape
                assert found.tobytes() == array.tobytes()
            assert ours[name].flags.f_contiguous == theirs[name].flags.f_contiguous
            assert ours[name].flags.writeable


@given(size=st.integers(0, 450))
@HERE
def test_npz_at_the_borders_of_blocks(tmp_path, codec, small_blocks, size):
    array = np.random.default_rng(size).integers(0, 9, size, "u1")
    clara.io.write_npz(tmp_path / "a.npz", a=array)
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None
    np.testing.assert_array_equal(clara.io.read_npz(tmp_path / "a.npz")["a"], array)


@given(
    arrays=st.dictionaries(st.text("ab", min_size=1), ARRAYS, max_size=2),
    theirs=st.booleans(),
    order=st.sampled_from("CF"),
)
@HERE
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")  # numpy's own
def test_npz_arrays_are_read_piece_by_piece_and_into_memory_that_is_there(
    tmp_path, small_blocks, arrays, theirs, order
):
    path = tmp_path / "a.npz"
    given_ = {name: np.array(array, order=order) for name, array in arrays.items()}
    np.savez_compressed(path, **given_) if theirs else clara.io.write_npz(path, **given_)
    opened = clara.io.open_npz(path)
    assert list(opened) == list(given_)
    for name, array in given_.items():
        found = opened[name]
        assert (found.shape, found.dtype) == (array.shape, array.dtype)
        pieces = [(start, piece.copy()) for start, piece in found.pieces()]
        assert [start for start, _ in pieces] == [sum(p.size for _, p in pieces[:n]) for n in range(len(pieces))]
        assert all(piece.dtype == array.dtype for _, piece in pieces)
        assert (
            b"".join(piece.tobytes() for _, piece in pieces)
            == array.ravel("F" if found.fortran_order else "C").tobytes()
        )
        for out_order in "CF":
            out = np.empty(array.shape, array.dtype, out_order)
            assert found.read(out) is out
            assert out.tobytes() == array.tobytes()


def test_an_npz_array_fills_only_what_takes_it(tmp_path, small_blocks):
    values = np.arange(600, dtype="i4").reshape(20, 30)
    clara.io.write_npz(tmp_path / "a.npz", v=values)
    array = clara.io.open_npz(tmp_path / "a.npz")["v"]
    np.testing.assert_array_equal(array.read(np.zeros((20, 30))), values)
    with pytest.raises(ValueError, match=r"a\.npz: its shape is \[20, 30\], out has \[30, 20\]"):
        array.read(np.zeros((30, 20), "i4"))
    with pytest.raises(TypeError, match="int32 cannot be stored as uint8"):
        array.read(np.zeros((20, 30), "u1"))


def test_who_stops_in_the_middle_of_an_npz_array_leaves_no_thread(tmp_path, codec, small_blocks):
    clara.io.write_npz(tmp_path / "a.npz", v=np.arange(50_000))
    before = threading.active_count()
    for _, piece in clara.io.open_npz(tmp_path / "a.npz")["v"].pieces():
        assert piece[0] == 0
        break
    gc.collect()
    assert threading.active_count() == before


def test_other_programs_read_the_npz(tmp_path, codec):
    path = tmp_path / "a.npz"
    array = np.random.default_rng(1).normal(0, 30, (300, 200, 100)).round().astype("f4")
    clara.io.write_npz(path, volume=array, second=array[:3])
    for tool in (["unzip", "-t"], [sys.executable, "-m", "zipfile", "-t"]):
        done = subprocess.run([*tool, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    np.testing.assert_array_equal(np.load(path)["volume"], array)
    assert [entry.name for entry in tmp_path.glob("*.npz*")] == ["a.npz"]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", "CF")
def test_reads_what_numpy_wrote(tmp_path, codec, save, order):
    arrays = {"a": np.arange(3e5).reshape(300, 1000).copy(order), "b": np.float32(3), "c": np.zeros((0, 4), "i2")}
    save(tmp_path / "a.npz", **arrays)
    ours = clara.io.read_npz(tmp_path / "a.npz")
    for name, array in arrays.items():
        np.testing.assert_array_equal(ours[name], array)
        assert ours[name].flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize("ours", [True, False])
def test_a_damaged_npz_is_told(tmp_path, codec, small_blocks, ours):
    path = tmp_path / "a.npz"
    array = np.random.default_rng(1).integers(0, 99, 4000)
    clara.io.write_npz(path, a=array) if ours else np.savez_compressed(path, a=array)
    data, harmless = path.read_bytes(), 0
    for place in range(60, len(data) - 120, len(data) // 23):
        broken = bytearray(data)
        broken[place] ^= 0x10
        path.write_bytes(broken)
        try:  # the bits that fill up a byte before the end of a block mean nothing
            np.testing.assert_array_equal(clara.io.read_npz(path)["a"], array)
            harmless += 1
        except clara.Error as error:
            assert "a.npz is no readable .npz file: " in str(error)
    assert harmless < 4
    for cut in (0, 10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(clara.Error, match="no readable"):
            clara.io.read_npz(path)


def test_objects_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="a: arrays of objects"):
        clara.io.write_npz(tmp_path / "a.npz", a=np.array([{}]))
    assert not list(tmp_path.glob("*.npz*"))
    np.savez(tmp_path / "b.npz", a=np.array([{}]))
    with pytest.raises(clara.Error, match="allow_pickle"):
        clara.io.read_npz(tmp_path / "b.npz")


def test_an_npz_that_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    path.write_bytes(b"before")
    monkeypatch.setattr(io_npz, "deflated", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clara.io.write_npz(path, a=np.zeros(3))
    assert path.read_bytes() == b"before" and len(list(tmp_path.glob("*.npz*"))) == 1


@pytest.mark.e2e
def test_more_than_4_gib(tmp_path):
    path = tmp_path / "a.npz"
    clara.io.write_npz(path, a=np.zeros((1 << 32) + 7, "u1"), b=np.arange(5))
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("a.npy").file_size == (1 << 32) + 7 + 128
        np.testing.assert_array_equal(np.load(path)["b"], np.arange(5))
    assert subprocess.run(["unzip", "-tq", str(path)], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_loading_costs_nothing_before_it_is_used():
    code = (
        "import sys, clara; clara.Driver; print([m for m in ('isal', 'zlib_ng', 'gzip', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(clara.__file__).parents[1])},
    )
    assert done.stdout == "[]\n"
