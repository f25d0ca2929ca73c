"""The three planes of a volume, compared with what numpy and nibabel make of it."""

from __future__ import annotations

import gzip
import io
import itertools
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clara_cli.errors import VolumeError
from clara_cli.volumes import voxels
from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.reading import Asked, open_volume
from clara_cli.volumes.volume import Volume

Array = np.ndarray[Any, Any]
ORIENTATIONS = [
    "".join(letters) for order in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*order)
]
SHAPE = (5, 7, 3)


def expected(ras: Array, plane: Plane, number: int) -> Array:
    """A slice of an array whose axes run right, front and up, as a radiologist looks at it."""
    if plane is Plane.AXIAL:
        return ras[::-1, ::-1, number].T
    if plane is Plane.CORONAL:
        return ras[::-1, ::-1, :][:, number, ::-1].T
    return ras[::-1][number, ::-1, ::-1].T


def opened(path: Path, **more: Any) -> Volume:
    return open_volume(Asked(path, str(path.parent.resolve()), **more))


def same(volume: Volume, ras: Array, frame: int = 0) -> None:
    assert volume.shape == ras.shape
    for place in ((0, 0, 0), tuple(size - 1 for size in ras.shape)):
        right, front, up = ras.shape[0] - 1 - place[0], ras.shape[1] - 1 - place[1], place[2]
        assert volume.value(*place, frame) == ras[right, front, up]
    for plane in Plane:
        for number in range(volume.slices(plane)):
            np.testing.assert_array_equal(volume.slice(plane, number, frame), expected(ras, plane, number))


def image(shape: tuple[int, ...] = SHAPE, axes: str = "RAS", dtype: Any = np.int16) -> nib.Nifti1Image:
    """Numbers that are all different, with axes of the given directions and voxels of 1 x 2 x 3 mm."""
    data = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = (-10, 20, 30)
    codes = nib.orientations.axcodes2ornt
    turn = nib.orientations.ornt_transform(codes("RAS"), codes(tuple(axes)))
    return nib.Nifti1Image(data, affine).as_reoriented(turn)


def saved(picture: Any, path: Path) -> Path:
    nib.save(picture, path)
    return path


@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_every_orientation_is_shown_as_a_radiologist_looks_at_it(axes: str, tmp_path: Path) -> None:
    picture = image(axes=axes)
    volume = opened(saved(picture, tmp_path / "a.nii"))
    canonical = nib.as_closest_canonical(picture)
    assert nib.aff2axcodes(picture.affine) == tuple(axes)
    same(volume, np.asarray(canonical.dataobj))
    assert volume.orientation.spacing == pytest.approx(canonical.header.get_zooms()[:3])
    # The same voxel, whichever way one goes to its place in space.
    placed = volume.orientation.affine @ [1, 2, 0, 1]
    left, back, _ = volume.shape
    np.testing.assert_allclose(placed, canonical.affine @ [left - 2, back - 3, 0, 1])


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i2", "u2", "i4", "u4", "i8", "f4", ">f8"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_every_type_of_number(dtype: str, name: str, tmp_path: Path) -> None:
    data = np.arange(105).reshape(SHAPE).astype(dtype)
    header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    same(opened(saved(nib.Nifti1Image(data, np.eye(4), header, dtype=data.dtype), tmp_path / name)), data)


def test_numbers_are_scaled_as_the_header_says(tmp_path: Path) -> None:
    picture = image()
    picture.header.set_slope_inter(0.5, -1000)
    path = saved(picture, tmp_path / "a.nii")
    loaded = nib.load(path)
    assert loaded.dataobj.slope == 0.5
    same(opened(path), loaded.get_fdata())


def test_nifti_2_and_frames(tmp_path: Path) -> None:
    data = np.arange(5 * 7 * 3 * 4 * 2).reshape(5, 7, 3, 4, 2).astype(np.int32)
    volume = opened(saved(nib.Nifti2Image(data, np.eye(4)), tmp_path / "a.nii.gz"))
    assert volume.frames == 8
    for frame in range(8):
        same(volume, data[..., frame % 4, frame // 4], frame)
    with pytest.raises(VolumeError, match="frames 0 to 7, no 8"):
        volume.slice(Plane.AXIAL, 0, 8)


def test_a_header_extension_before_the_voxels(tmp_path: Path) -> None:
    picture = image()
    picture.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 5000))
    for name in ("a.nii", "a.nii.gz"):
        same(opened(saved(picture, tmp_path / name)), np.asarray(picture.dataobj))


def test_colours_are_shown_by_how_bright_they_are(tmp_path: Path) -> None:
    data = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    data["G"] = np.arange(105).reshape(SHAPE)
    same(opened(saved(nib.Nifti1Image(data, np.eye(4)), tmp_path / "a.nii")), np.arange(105).reshape(SHAPE) / 3)


def test_a_file_without_a_place_in_space_is_shown_but_no_side_is_named(tmp_path: Path) -> None:
    picture = nib.Nifti1Image(np.arange(105, dtype=np.int16).reshape(SHAPE), None)
    volume = opened(saved(picture, tmp_path / "a.nii"))
    assert volume.orientation.affine is None
    same(volume, np.asarray(picture.dataobj))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    shape=st.lists(st.integers(1, 6), min_size=3, max_size=5),
    fortran=st.booleans(),
    axes=st.sampled_from(["zyx", "xyz"]),
    how=st.sampled_from(["npy", "stored", "packed"]),
    block=st.sampled_from([1, 40, 1 << 22]),
)
def test_arrays(
    shape: list[int], fortran: bool, axes: str, how: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voxels, "_AT_ONCE", block)
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    array = np.asfortranarray(array) if fortran else array
    if how == "npy":
        np.save(path := tmp_path / "a.npy", array)
    else:
        (np.savez if how == "stored" else np.savez_compressed)(path := tmp_path / "a.npz", it=array)
    volume = opened(path, axes=axes)
    while axes == "xyz" and len(shape) > 3 and shape[0] == 1:  # a batch
        shape = shape[1:]
    assert volume.frames == np.prod(shape) // np.prod(volume.shape)
    for frame in range(volume.frames):
        if axes == "zyx":
            # Straight from an ITK image: the last axis runs left, the one before back, the one before that up.
            lps = array.reshape(-1, *shape[-3:])[frame].T
            ras = lps[::-1, ::-1]
        else:
            ras = array.reshape(*shape[:3], -1)[..., frame]
        same(volume, ras, frame)


def test_a_picture_of_two_axes_is_a_volume_of_one_slice(tmp_path: Path) -> None:
    array = np.arange(12).reshape(3, 4)
    np.save(tmp_path / "a.npy", array)
    for axes in ("zyx", "xyz"):
        volume = opened(tmp_path / "a.npy", axes=axes)
        np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 0), array)
        assert volume.shape == (4, 3, 1)
        np.testing.assert_array_equal(volume.slice(Plane.CORONAL, 2), array[2:3])


def test_the_largest_array_of_an_archive_is_shown_unless_another_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", small=np.ones((2, 2)), large=np.zeros((3, 4, 5)))
    assert opened(tmp_path / "a.npz").shape == (5, 4, 3)
    assert opened(tmp_path / "a.npz", member="small").shape == (2, 2, 1)
    with pytest.raises(VolumeError, match="has no array other; it has small, large"):
        opened(tmp_path / "a.npz", member="other")


def test_no_more_of_a_file_is_read_than_a_slice_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.zeros((64, 48, 32), np.uint8)
    volume = opened(saved(nib.Nifti1Image(data, np.eye(4)), tmp_path / "a.nii"))
    monkeypatch.setattr(voxels, "_AT_ONCE", 64 * 48)
    read: list[int] = []
    real = voxels.FileVoxels._read

    def counting(self: voxels.FileVoxels, offset: int, dims: tuple[int, ...]) -> Array:
        read.append(int(np.prod(dims)))
        return real(self, offset, dims)

    monkeypatch.setattr(voxels.FileVoxels, "_read", counting)
    volume.slice(Plane.AXIAL, 3)
    assert read == [64 * 48]
    read.clear()
    volume.slice(Plane.CORONAL, 3)
    assert read == [64] * 32
    read.clear()
    volume.slice(Plane.SAGITTAL, 3)
    assert read == [64 * 48] * 32


def test_a_gzip_stream_in_several_parts(tmp_path: Path) -> None:
    plain = io.BytesIO()
    picture = image()
    picture.to_file_map({"image": nib.FileHolder(fileobj=plain)})
    whole = plain.getvalue()
    (tmp_path / "a.nii.gz").write_bytes(
        b"".join(gzip.compress(part) for part in (whole[:100], whole[100:400], whole[400:]))
    )
    same(opened(tmp_path / "a.nii.gz"), np.asarray(picture.dataobj))
