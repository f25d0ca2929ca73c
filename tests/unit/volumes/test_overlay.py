"""Segmentations over their images, windows, and the PNG that a page shows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.overlay import COLOURS, colour, label_over, labels, laid_over, slice_over
from clara_cli.volumes.picture import draw, png
from clara_cli.volumes.reading import Asked, open_volume
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.window import Window, between, default_window, grey

SHAPE = (6, 8, 4)
AFFINE = np.array([[2.0, 0, 0, -5], [0, 2, 0, 10], [0, 0, 3, 20], [0, 0, 0, 1]])


def volume(folder: Path, data: Any, affine: Any = AFFINE, name: str = "a.nii") -> Volume:
    nib.save(nib.Nifti1Image(data, affine), folder / name)
    return open_volume(Asked(folder / name, str(folder)))


@pytest.fixture
def image(tmp_path: Path) -> Volume:
    return volume(tmp_path, np.random.default_rng(1).integers(0, 1000, SHAPE).astype(np.int16))


def segmentation() -> Any:
    return np.random.default_rng(2).integers(0, 4, SHAPE).astype(np.uint8)


@pytest.mark.parametrize("plane", Plane)
def test_the_same_grid_in_another_orientation_lies_on_its_voxels(plane: Plane, image: Volume, tmp_path: Path) -> None:
    marked = nib.Nifti1Image(segmentation(), AFFINE)
    straight = volume(tmp_path, segmentation(), name="s.nii")
    for codes in ("LPS", "SAR", "PIL"):
        ornt = nib.orientations.axcodes2ornt
        turned = marked.as_reoriented(nib.orientations.ornt_transform(ornt("RAS"), ornt(tuple(codes))))
        over = laid_over(volume(tmp_path, np.asarray(turned.dataobj), turned.affine, f"{codes}.nii"), image)
        for number in range(image.slices(plane)):
            np.testing.assert_array_equal(slice_over(over, image, plane, number), straight.slice(plane, number))


@pytest.mark.parametrize("plane", Plane)
def test_a_coarser_and_smaller_grid_is_met_at_its_nearest_voxel(plane: Plane, image: Volume, tmp_path: Path) -> None:
    data = np.random.default_rng(3).integers(0, 4, (3, 3, 5)).astype(np.uint8)
    affine = np.diag([4.3, 5.1, 2.2, 1.0])
    affine[:3, 3] = (-3, 11, 19)
    over = laid_over(volume(tmp_path, data, affine, "s.nii"), image)
    wanted = np.zeros(SHAPE, np.uint8)
    for place in np.ndindex(SHAPE):
        at = np.floor(np.linalg.inv(affine) @ AFFINE @ [*place, 1] + 0.5)[:3].astype(int)
        if (at >= 0).all() and (at < data.shape).all():
            wanted[place] = data[tuple(at)]
    reference = volume(tmp_path, wanted, name="w.nii")
    for number in range(image.slices(plane)):
        np.testing.assert_array_equal(slice_over(over, image, plane, number), reference.slice(plane, number))
    for place in np.ndindex(image.shape):
        assert label_over(over, image, place) == reference.value(*place)


def test_an_array_of_the_image_s_size_lies_as_the_image_does(image: Volume, tmp_path: Path) -> None:
    data = segmentation()
    straight = volume(tmp_path, data, name="s.nii")
    # As ITK gives it: axes up, back, left of the file, that is, the file's axes the other way round.
    np.save(tmp_path / "a.npy", data.T)
    np.save(tmp_path / "b.npy", data)
    np.save(tmp_path / "batch.npy", data[None])
    for name, axes in (("a.npy", "zyx"), ("b.npy", "xyz"), ("batch.npy", "xyz")):
        over = laid_over(open_volume(Asked(tmp_path / name, str(tmp_path), axes=axes)), image)
        for plane in Plane:
            np.testing.assert_array_equal(slice_over(over, image, plane, 1), straight.slice(plane, 1))


def test_what_does_not_fit_is_refused(image: Volume, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 3, 3)))
    with pytest.raises(VolumeError, match="sizes are 3 x 3 x 3 and 6 x 8 x 4"):
        laid_over(open_volume(Asked(tmp_path / "a.npy", str(tmp_path))), image)
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    with pytest.raises(VolumeError, match="lies turned to it"):
        laid_over(volume(tmp_path, segmentation(), turn @ AFFINE, "t.nii"), image)


def test_labels_are_whole_numbers_and_probabilities_count_from_one_half() -> None:
    np.testing.assert_array_equal(labels(np.array([0.0, 1.0, 7.0, np.nan, -2.0])), [0, 1, 7, 0, 2])
    np.testing.assert_array_equal(labels(np.array([0.0, 0.49, 0.5, 0.9])), [0, 0, 1, 1])


@given(
    arrays.arrays(np.float64, (7, 5), elements=st.floats(allow_nan=True, allow_infinity=True)),
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
)
def test_a_window_maps_its_range_and_clips_the_rest(values: Any, level: float, width: float) -> None:
    window = Window(width, level)
    shown = grey(values, window)
    assert shown.dtype == np.uint8
    assert (shown[values <= window.low] == 0).all()
    assert (shown[values >= window.high + width * 1e-6] == 255).all()
    assert (shown[np.isnan(values)] == 0).all()
    order = np.argsort(values.ravel())
    numbers = [int(shown.ravel()[at]) for at in order if not np.isnan(values.ravel()[at])]
    assert numbers == sorted(numbers)


def test_the_default_window_leaves_out_the_extremes(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(100, 10, (40, 40, 20)).astype(np.float32)
    data[0, 0, 0] = 1e9
    window = default_window(volume(tmp_path, data))
    low, high = np.percentile(data, (1, 99))
    assert window.low == pytest.approx(low, abs=2)
    assert window.high == pytest.approx(high, abs=2)
    sparse = np.zeros((40, 40, 20), np.uint8)
    sparse[3, 3, :] = 5
    assert default_window(volume(tmp_path, sparse, name="s.nii")) == between(0, 5)


@pytest.mark.parametrize("plane", Plane)
def test_a_picture_is_what_numpy_makes_of_it_to_the_pixel(plane: Plane, image: Volume, tmp_path: Path) -> None:
    over = laid_over(volume(tmp_path, segmentation(), name="s.nii"), image)
    window = Window(500, 400)
    shown = np.asarray(Image.open(io.BytesIO(png(draw(image, plane, 2, window)))))
    dark = np.rint(np.clip((image.slice(plane, 2) - 150.0) * 255 / 500, 0, 255))
    np.testing.assert_array_equal(shown, dark)
    shown = np.asarray(Image.open(io.BytesIO(png(draw(image, plane, 2, window, overlay=over, opacity=0.25)))))
    marked = over.slice(plane, 2)
    for label in range(4):
        there = marked == label
        if label == 0:
            wanted = np.repeat(dark[there][:, None], 3, axis=1)
        else:
            wanted = np.rint(dark[there][:, None] * 0.75 + np.array(colour(label)) * 0.25)
        np.testing.assert_array_equal(shown[there], wanted)


def test_colours_differ_and_repeat() -> None:
    assert len({tuple(row) for row in COLOURS.tolist()}) == len(COLOURS)
    assert colour(1) == colour(1 + len(COLOURS))
