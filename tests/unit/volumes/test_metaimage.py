"""MetaImage files, as ITK and Clara's own operators write them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.reading import Asked, open_volume

DATA = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)  # up, back, left
HEADER = """ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = {packed}
TransformMatrix = {turn}
Offset = 10 -20 30
ElementSpacing = 0.5 1.5 2
DimSize = 4 3 2
ElementType = {kind}
ElementDataFile = {where}
"""
STRAIGHT = "1 0 0 0 1 0 0 0 1"


def opened(path: Path) -> Any:
    return open_volume(Asked(path, str(path.parent.resolve())))


def header(where: str = "LOCAL", packed: bool = False, turn: str = STRAIGHT, kind: str = "MET_SHORT") -> bytes:
    return HEADER.format(where=where, packed=packed, turn=turn, kind=kind).encode()


def straight(volume: Any) -> None:
    assert volume.orientation.spacing == (0.5, 1.5, 2.0)
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 1), DATA[1])
    np.testing.assert_array_equal(volume.slice(Plane.CORONAL, 2), DATA[::-1, 2])
    np.testing.assert_array_equal(volume.slice(Plane.SAGITTAL, 3), DATA[::-1, :, 3])
    # The first voxel lies 10 mm to the left, 20 to the front and 30 up.
    np.testing.assert_allclose(volume.orientation.affine @ (0, 0, 0, 1), (-10, 20, 30, 1))


def test_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.mha").write_bytes(header() + DATA.tobytes())
    straight(opened(tmp_path / "a.mha"))
    (tmp_path / "b.mha").write_bytes(header(packed=True) + zlib.compress(DATA.tobytes()))
    straight(opened(tmp_path / "b.mha"))


def test_a_header_with_its_data_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(DATA.tobytes())
    (tmp_path / "a.mhd").write_bytes(header("a.raw"))
    straight(opened(tmp_path / "a.mhd"))
    (tmp_path / "b.zraw").write_bytes(zlib.compress(DATA.tobytes()))
    (tmp_path / "b.mhd").write_bytes(header("b.zraw", packed=True))
    straight(opened(tmp_path / "b.mhd"))
    (tmp_path / "c.raw").write_bytes(b"what another program put before it" + DATA.tobytes())
    (tmp_path / "c.mhd").write_bytes(header("c.raw").replace(b"DimSize", b"HeaderSize = -1\nDimSize"))
    straight(opened(tmp_path / "c.mhd"))


def test_the_other_byte_order_and_other_directions(tmp_path: Path) -> None:
    swapped = header().replace(b"MSB = False", b"MSB = True") + DATA.astype(">i2").tobytes()
    (tmp_path / "a.mha").write_bytes(swapped)
    straight(opened(tmp_path / "a.mha"))
    # The first axis runs up, the second left, the third to the front.
    turned = header(turn="0 0 1 1 0 0 0 -1 0") + DATA.tobytes()
    (tmp_path / "b.mha").write_bytes(turned)
    volume = opened(tmp_path / "b.mha")
    assert volume.shape == (3, 2, 4)
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 1), DATA[::-1, :, 1])


def test_colours_are_frames(tmp_path: Path) -> None:
    pixels = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    text = header(kind="MET_UCHAR").replace(b"ElementType", b"ElementNumberOfChannels = 3\nElementType")
    (tmp_path / "a.mha").write_bytes(text + pixels.tobytes())
    volume = opened(tmp_path / "a.mha")
    assert (volume.frames, volume.shape) == (3, (4, 3, 2))
    np.testing.assert_array_equal(volume.slice(Plane.AXIAL, 1, 2), pixels[1, :, :, 2])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no MetaImage file"),
        (b"\xff\xfe\n" * 9000, "no MetaImage file"),
        (b"NDims = 3\nnonsense\n", "no MetaImage file"),
        (header() + DATA.tobytes()[:-1], "cut short"),
        (header(packed=True) + zlib.compress(DATA.tobytes())[:-9], "cut short|damaged"),
        (header(packed=True) + b"nonsense", "damaged"),
        (header().replace(b"4 3 2", b"-4 3 2"), "makes no sense"),
        (header().replace(b"4 3 2", b"0 3 2"), "is empty"),
        (header().replace(b"4 3 2", b"4 x 2"), "makes no sense"),
        (header().replace(b"4 3 2", b"4" + b"0" * 30 + b" 3 2"), "cut short|makes no sense"),
        (header(kind="MET_STRING"), "makes no sense"),
        (header(turn="0 0 0 0 0 0 0 0 0") + DATA.tobytes(), "affine cannot be inverted"),
        (header(turn="1 2"), "makes no sense"),
        (header().replace(b"DimSize", b"Size"), "makes no sense"),
        (header("../outside.raw"), "only one file beside it"),
        (header("LIST"), "only one file beside it"),
        (header("a%03d.raw 1 9 1"), "only one file beside it"),
        (header("gone.raw"), "gone.raw cannot be opened"),
        (header("link.raw"), "leads out of the payload"),
        (header(packed=True).replace(b"4 3 2", b"30000 30000 30000") + zlib.compress(b"x"), "has room for"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    payload.mkdir()
    (tmp_path / "outside.raw").write_bytes(DATA.tobytes())
    (payload / "link.raw").symlink_to(tmp_path / "outside.raw")
    (payload / "a.mhd").write_bytes(content)
    with pytest.raises(VolumeError, match=said) as raised:
        opened(payload / "a.mhd")
    assert "\n" not in raised.value.message
