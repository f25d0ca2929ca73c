"""Reading and writing volumes in an operator, as fast as its Python can: files that any other program reads.

    volume = clara.io.open_nifti(path)
    entry.update_shape(1, *volume.shape)
    volume.read(entry.array[0])

    clara.io.write_npz(path, segmentation=array)

Needs numpy only. With isal and zlib-ng in the operator's Python, files are packed and unpacked many times as fast.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from clara import io_nifti, io_npz, io_npz_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["open_nifti", "open_npz", "read_nifti", "read_npz", "write_nifti", "write_npz"]


def open_nifti(path: str | os.PathLike[str]) -> io_nifti.NiftiVolume:
    """Read the header of a NIfTI file of one piece, packed by gzip or not, whatever its suffix says.

    Returns
    -------
    NiftiVolume
        `shape`, `dtype` (on disk), `slope`, `inter`, `affine`; its `read` reads the voxels.

    Raises
    ------
    clara.Error (a ValueError)
        Not a NIfTI-1 or NIfTI-2 file, or one that cannot be read.
    OSError
        The file cannot be opened.
    """
    return io_nifti.NiftiVolume(path)


def read_nifti(path: str | os.PathLike[str], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """The voxels of a NIfTI file, the same numbers as `numpy.asarray(nibabel.load(path).dataobj)`.

    Scaled in float64 where the file scales, else in the dtype and byte order on disk; Fortran-ordered as the file.

    Parameters
    ----------
    out : numpy.ndarray, optional
        Filled and returned, such as the array of a FastIO variable; see `NiftiVolume.read`. The transpose of an
        array `[z, y, x]` is in the order of the file, and filled without any rearrangement.

    Raises
    ------
    clara.Error, OSError
        As `open_nifti` and `NiftiVolume.read` do.
    """
    return open_nifti(path).read(out)


def write_nifti(path: str | os.PathLike[str], array: Any, affine: Any = None) -> None:
    """Write an array as a NIfTI file, unscaled, millimetres; packed if the name ends in `.gz`.

    A packed file consists of small members (BGZF), so that it can be unpacked on several cores. The file appears
    when it is complete.

    Parameters
    ----------
    array : array-like
        One to seven dimensions, [x, y, z, ...]; truth values become uint8.
    affine : array-like, optional
        [4, 4]: voxel indices to millimetres, right-anterior-superior; without one the file says nothing about it.

    Raises
    ------
    clara.Error (a ValueError)
        A dtype or shape that NIfTI does not have.
    OSError
        The file cannot be written.
    """
    io_nifti.write_nifti(path, array, affine)


def open_npz(path: str | os.PathLike[str]) -> dict[str, io_npz_array.NpzArray]:
    """Read the headers of all arrays of an `.npz` file, by name; arrays of objects are refused.

    Returns
    -------
    dict of NpzArray
        `shape`, `dtype`, `fortran_order`; its `read` reads the elements, also straight into an array that is there,
        its `pieces` one piece after another.

    Raises
    ------
    clara.Error (a ValueError)
        No such file, damaged or cut off.
    OSError
        The file cannot be opened.
    """
    return io_npz_array.open_npz(path)


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz` file by name, as `numpy.load` gives them; arrays of objects are refused.

    Raises
    ------
    clara.Error (a ValueError)
        No such file, damaged or cut off.
    OSError
        The file cannot be opened.
    """
    return io_npz_array.read_npz(path)


def write_npz(path: str | os.PathLike[str], **arrays: Any) -> None:
    """Write arrays into a compressed `.npz` file, each under its name, as `numpy.savez_compressed` does.

    The file appears when it is complete.

    Parameters
    ----------
    path : path
        As it is: no suffix is added.
    **arrays : array-like
        Of any dtype but objects. C-ordered and Fortran-ordered ones are written as they are, others copied first.

    Raises
    ------
    clara.Error (a ValueError)
        An array of objects.
    OSError
        The file cannot be written.
    """
    io_npz.write_npz(path, arrays)
