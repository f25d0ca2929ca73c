"""Image names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.errors import ImageError
from clara_cli.images.reference import Reference, parse_reference


@pytest.mark.parametrize(
    ("text", "name", "tag", "short"),
    [
        ("operator", "operator", "", "operator"),
        ("operator:1.0", "operator", "1.0", "operator"),
        ("clara/nifti-to-fastio:latest", "clara/nifti-to-fastio", "latest", "nifti-to-fastio"),
        ("nvcr.io/nvidia/clara/base:0.7.3-2011.5", "nvcr.io/nvidia/clara/base", "0.7.3-2011.5", "base"),
        ("registry:5000/group/name", "registry:5000/group/name", "", "name"),
        ("registry:5000/group/name:2", "registry:5000/group/name", "2", "name"),
        ("registry:5000/name", "registry:5000/name", "", "name"),
        ("name@sha256:0123abcd", "name", "", "name"),
        ("name:1@sha256:0123abcd", "name", "1", "name"),
    ],
)
def test_parts(text: str, name: str, tag: str, short: str) -> None:
    reference = parse_reference(text)
    assert (reference.name, reference.tag, reference.short_name) == (name, tag, short)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "name:",
        "a//b",
        "/a",
        "a/",
        "a/..",
        "..",
        "a b",
        "a:b:c",
        "name@",
        "name@sha256",
        "a:5000x/b",
        "-a",
    ],
)
def test_wrong(text: str) -> None:
    with pytest.raises(ImageError, match="is not an image name") as caught:
        parse_reference(text)
    assert caught.value.hint


PART = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True) | st.just("")


@given(st.lists(PART, min_size=1, max_size=4), TAG, st.integers(0, 65535))
def test_every_reference_comes_back(parts: list[str], tag: str, port: int) -> None:
    if len(parts) > 1:
        parts[0] += f":{port}"
    reference = Reference("/".join(parts), tag)
    assert parse_reference(str(reference)) == reference
    assert reference.short_name == parts[-1]


@given(st.text(max_size=20))
def test_any_text_is_a_reference_or_a_clear_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ImageError:
        return
    assert ".." not in reference.name.split("/")
    assert not any(char.isspace() for char in reference.name + reference.tag)
