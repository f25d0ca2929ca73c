"""DICOM series: pydicom's own test files, and series made here with every geometry."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.reading import Asked, members, open_volume
from clara_cli.volumes.window import Window, default_window


def opened(path: Path, **more: Any) -> Any:
    return open_volume(Asked(path, str((path if path.is_dir() else path.parent).resolve()), **more))


def written(
    folder: Path,
    number: int,
    pixels: np.ndarray[Any, Any],
    position: tuple[float, float, float] | None,
    direction: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    series: str = "1.2.3",
    **more: object,
) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    image = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.SeriesInstanceUID, image.InstanceNumber, image.Modality = series, number, "CT"
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.PixelSpacing = [0.5, 0.25]
    if position:
        image.ImagePositionPatient, image.ImageOrientationPatient = list(position), list(direction)
    for name, value in more.items():
        setattr(image, name, value)
    image.PixelData = pixels.astype("<i2").tobytes()
    # Names say nothing of the order.
    path = folder / f"{random.Random(number * 7 + len(series)).randrange(10**9)}.dcm"
    image.save_as(path, enforce_file_format=True)
    return path


VALUES = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)  # up, back, left


def test_an_axial_series_in_its_order_with_its_values(tmp_path: Path) -> None:
    for number, pixels in enumerate(VALUES):
        written(tmp_path, 9 - number, pixels, (1, 2, 3 * number), RescaleSlope=2, RescaleIntercept=-1024)
    volume = opened(tmp_path)
    assert volume.shape == (6, 5, 4)
    assert volume.orientation.spacing == (0.25, 0.5, 3.0)
    hounsfield = VALUES * 2.0 - 1024
    for number in range(4):
        np.testing.assert_array_equal(volume.slice(Plane.AXIAL, number), hounsfield[number])
    np.testing.assert_array_equal(volume.slice(Plane.CORONAL, 2), hounsfield[::-1, 2])
    np.testing.assert_array_equal(volume.slice(Plane.SAGITTAL, 1), hounsfield[::-1, :, 1])


def test_one_file_stands_for_its_series_and_other_series_are_left_out(tmp_path: Path) -> None:
    path = None
    for number, pixels in enumerate(VALUES):
        path = written(tmp_path, number, pixels, (0, 0, number))
    written(tmp_path, 1, VALUES[0][:3], (0, 0, 0), series="9.9")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\1" * 50)
    assert path is not None
    assert opened(path).shape == opened(tmp_path).shape == (6, 5, 4)
    assert opened(tmp_path, member="9.9").shape == (6, 3, 1)
    assert sorted(members(Asked(tmp_path, str(tmp_path)))) == ["1.2.3", "9.9"]
    with pytest.raises(VolumeError, match="has no series 8"):
        opened(tmp_path, member="8")


def test_a_sagittal_series_lies_as_the_patient_does(tmp_path: Path) -> None:
    """Rows run back, columns run down, slices go from right to left."""
    stack = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    for number, pixels in enumerate(stack):
        written(tmp_path, number, pixels, (number * 2.0, 0, 0), (0, 1, 0, 0, 0, -1))
    volume = opened(tmp_path)
    assert volume.shape == (4, 6, 5)
    np.testing.assert_array_equal(volume.slice(Plane.SAGITTAL, 1), stack[1])
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 0), stack[:, -1].T)


def test_several_images_of_each_place_are_frames(tmp_path: Path) -> None:
    for frame in range(3):
        for number, pixels in enumerate(VALUES):
            written(tmp_path, frame * 10 + number, pixels + 1000 * frame, (0, 0, number), series="1.2.3")
    volume = opened(tmp_path)
    assert (volume.shape, volume.frames) == ((6, 5, 4), 3)
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 2, 1), VALUES[2] + 1000)
    np.testing.assert_array_equal(volume.slice(Plane.CORONAL, 2, 2), VALUES[::-1, 2] + 2000)


def test_images_that_do_not_fit_together(tmp_path: Path) -> None:
    written(tmp_path, 1, VALUES[0], (0, 0, 0))
    written(tmp_path, 2, VALUES[0][:3], (0, 0, 1))
    with pytest.raises(VolumeError, match=r"several sizes \(6 x 3, 6 x 5\)"):
        opened(tmp_path)


def test_images_without_a_place_follow_their_numbers(tmp_path: Path) -> None:
    for number, pixels in enumerate(VALUES):
        written(tmp_path, 4 - number, pixels, None)
    volume = opened(tmp_path)
    assert volume.orientation.affine is None
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 3), VALUES[0])


def test_only_what_a_slice_needs_is_decoded(tmp_path: Path) -> None:
    for number, pixels in enumerate(VALUES):
        written(tmp_path, number, pixels, (0, 0, number))
    volume = opened(tmp_path)
    for path in tmp_path.glob("*.dcm"):
        if pydicom.dcmread(path).InstanceNumber != 2:
            path.write_bytes(path.read_bytes()[:-40])
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 2), VALUES[2])
    with pytest.raises(VolumeError, match=r"the pixels of .*\.dcm cannot be read"):
        volume.slice(Plane.CORONAL, 2)


def test_the_window_that_the_file_asks_for(tmp_path: Path) -> None:
    written(tmp_path, 1, VALUES[0], (0, 0, 0), WindowWidth=[400, 1500], WindowCenter=[40, -600])
    assert default_window(opened(tmp_path)) == Window(400, 40)


@pytest.mark.parametrize(
    "name",
    [
        *("CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"),
        *("rtdose.dcm", "rtdose_rle.dcm", "SC_rgb_rle.dcm", "SC_rgb_rle_2frame.dcm", "liver_1frame.dcm"),
    ],
)
def test_files_of_the_wild(name: str, tmp_path: Path) -> None:
    source = get_testdata_file(name)
    assert isinstance(source, str)
    (tmp_path / name).write_bytes(Path(source).read_bytes())
    image = pydicom.dcmread(source)
    volume = opened(tmp_path / name)
    values = image.pixel_array
    if image.SamplesPerPixel > 1:
        values = values.mean(axis=-1)
    values = values.reshape(-1, image.Rows, image.Columns) * float(image.get("RescaleSlope", 1))
    values = values + float(image.get("RescaleIntercept", 0))
    assert sorted(volume.axes) == sorted((image.Columns, image.Rows, len(values)))
    seen = sorted(volume.voxels.take((None, None, number, 0)).T.sum() for number in range(len(values)))
    np.testing.assert_allclose(seen, sorted(values.sum(axis=(1, 2))), rtol=1e-6)


def test_frames_of_one_file_lie_where_their_groups_say(tmp_path: Path) -> None:
    path = written(tmp_path, 1, VALUES[0], None)
    image = pydicom.dcmread(path)
    image.NumberOfFrames = 4
    # From above to below, as the frames of a file may be in any order.
    image.PixelData = VALUES[::-1].astype("<i2").tobytes()
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.7, 0.6], 9
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    image.SharedFunctionalGroupsSequence, frames = [shared], []
    for number in range(4):
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, 20 - 2.5 * number]
        group.PlanePositionSequence = [position]
        frames.append(group)
    image.PerFrameFunctionalGroupsSequence = frames
    image.save_as(path)
    volume = opened(path)
    assert volume.shape == (6, 5, 4)
    assert volume.orientation.spacing == pytest.approx((0.6, 0.7, 2.5))
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 1), VALUES[1])
    np.testing.assert_array_equal(volume.slice(Plane.CORONAL, 1), VALUES[::-1, 1])


def test_a_real_series_of_a_ct(tmp_path: Path) -> None:
    source = get_testdata_file("dicomdirtests/77654033/CT2/17106")
    assert isinstance(source, str)
    folder = Path(source).parent
    volume = open_volume(Asked(folder, str(folder.resolve())))
    assert volume.axes[2] == len(list(folder.iterdir())) > 1
    assert all(size > 0 for size in volume.orientation.spacing)
    assert volume.slice(Plane.CORONAL, 3).shape[0] == volume.shape[2]
