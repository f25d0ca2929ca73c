"""Every spelling of element types and access kinds."""

import clara
import numpy as np
import pytest
from clara.fastio_types import FastIOAccess, FastIOType, access, element_type


@pytest.mark.parametrize("member", list(FastIOType))
def test_spellings_of_an_element_type(member):
    dtype = np.dtype(member.value)
    short = dtype.kind + str(dtype.itemsize * 8)
    for spelling in (member.value, member.value.upper(), short, dtype, dtype.type, dtype.newbyteorder(">"), member):
        assert element_type(spelling) is member
    assert member == member.value and f"{member}" == str(member) == member.value
    assert np.dtype(member) == dtype
    assert member.itemsize == dtype.itemsize
    assert getattr(clara.FastIOType, member.value.upper()) is member


@pytest.mark.parametrize("bad", ["float", "f8", "uint128", "", "complex64", None, 3, np.complex64, list])
def test_other_types_are_refused(bad):
    with pytest.raises(TypeError, match="known are uint8"):
        element_type(bad)


@pytest.mark.parametrize(
    ("spelling", "kind"),
    [("read", 1), ("r", 1), ("read-only", 1), ("WRITE", 2), ("rw", 3), ("read/write", 3), ("READ_WRITE", 3), (3, 3)],
)
def test_spellings_of_access(spelling, kind):
    assert access(spelling) == FastIOAccess(kind)


@pytest.mark.parametrize("bad", ["x", "", 0, 4, 8, None])
def test_other_access_is_refused(bad):
    with pytest.raises(TypeError, match="kind of access"):
        access(bad)
