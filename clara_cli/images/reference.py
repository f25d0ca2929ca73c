"""Names of container images: `registry:5000/group/name:tag@sha256:…`, and images that a user registered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from clara_cli.errors import ImageError

# The registry alone may have a port. Docker has no upper case in names, but a folder may.
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_NAME = re.compile(rf"(?:{_PART}(?::[0-9]+)?/)?(?:{_PART}/)*{_PART}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z0-9+._-]+:[0-9A-Fa-f]+")


class Reference(NamedTuple):
    """An image's name and tag; the tag is empty when none was given."""

    name: str
    tag: str = ""

    @property
    def short_name(self) -> str:
        """The last part of the name: `operator` of `registry:5000/group/operator`."""
        return self.name.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}" if self.tag else self.name


class RegisteredImage(NamedTuple):
    """A folder that a user declared to stand for an image.

    Attributes:
        name: image name as given, registry and groups included.
        tag: empty when registered without one: serves every tag of that name.
        folder: absolute path of the program's folder.
        interpreter: what `python` means for this program; None for the one that runs `clara`.
        uses_driver: whether the program itself waits for its inputs through the driver.
    """

    name: str
    tag: str
    folder: Path
    interpreter: Path | None = None
    uses_driver: bool = False

    @property
    def reference(self) -> Reference:
        """Name and tag."""
        return Reference(self.name, self.tag)


def parse_reference(text: str) -> Reference:
    """Split an image's name and tag; a digest is checked and dropped, since nothing local has one.

    Raises:
        ImageError: the text is no image name.
    """
    body, at, digest = text.partition("@")
    # A colon before the last slash belongs to the registry's port.
    colon = body.find(":", body.rfind("/") + 1)
    name, tag = (body, "") if colon < 0 else (body[:colon], body[colon + 1 :])
    if not _NAME.fullmatch(name):
        raise _wrong(text, f"'{name}' is not a name such as registry:5000/group/name")
    if colon >= 0 and not _TAG.fullmatch(tag):
        raise _wrong(text, f"'{tag}' is not a tag")
    if at and not _DIGEST.fullmatch(digest):
        raise _wrong(text, f"'{digest}' is not a digest")
    return Reference(name, tag)


def _wrong(text: str, why: str) -> ImageError:
    return ImageError(f"'{text}' is not an image name: {why}", hint="Write it as NAME or NAME:TAG.")
