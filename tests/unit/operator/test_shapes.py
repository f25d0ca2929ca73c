"""Which shapes a dynamic variable may get."""

import numpy as np
import pytest
from clara.errors import Error
from clara.shapes import dynamic_indices, element_count, sizes, updated
from hypothesis import given
from hypothesis import strategies as st

DECLARED = st.lists(st.integers(-1, 6), max_size=6)


@given(DECLARED, st.data())
def test_a_shape_that_only_fills_the_dynamic_sizes_is_taken(declared, data):
    new = [size if size > 0 else data.draw(st.integers(1, 10**12)) for size in declared]
    assert updated("v", declared, new) == new


@given(DECLARED, st.lists(st.integers(-3, 9), max_size=6))
def test_a_shape_is_taken_exactly_if_it_follows_the_rules(declared, new):
    allowed = len(new) == len(declared) and all(
        size == fixed if fixed > 0 else size > 0 for fixed, size in zip(declared, new, strict=False)
    )
    if allowed:
        assert updated("v", declared, new) == new
    else:
        with pytest.raises(ValueError, match=r"^v: ") as caught:
            updated("v", declared, new)
        assert isinstance(caught.value, Error)


@given(DECLARED)
def test_dynamic_indices_are_those_that_may_change(declared):
    assert dynamic_indices(declared) == [i for i in range(len(declared)) if declared[i] in (-1, 0)]


@given(st.lists(st.integers(0, 2**40), max_size=4))
def test_sizes_in_every_form(shape):
    assert sizes([shape]) == sizes([tuple(shape)]) == sizes([np.array(shape, dtype=np.int64)]) == shape
    if shape:
        assert sizes(shape) == shape
    assert element_count(shape) == np.prod([int(s) for s in shape], dtype=object)


@pytest.mark.parametrize("bad", [[1.0], ["3"], [True], [None]])
def test_sizes_are_integers(bad):
    with pytest.raises(TypeError):
        sizes([bad])
