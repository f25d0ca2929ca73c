"""The Python that runs clara, and the packages it needs."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator

from clara_cli.doctor.finding import Finding, Level

_DISTRIBUTION = "clara-cli"


def check_python() -> Iterator[Finding]:
    """Whether every package that clara requires is there in a version that it takes."""
    yield Finding("python", Level.OK, f"{platform.python_version()} ({sys.executable})")
    try:
        from packaging.requirements import Requirement

        required = [Requirement(text) for text in importlib.metadata.requires(_DISTRIBUTION) or ()]
    except (ImportError, ValueError) as error:
        yield Finding("packages", Level.WARNING, f"what clara requires cannot be read: {error}")
        return
    wrong = []
    for requirement in required:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append((requirement, f"{requirement.name} is missing"))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append((requirement, f"{requirement.name} is {version}, needed is {requirement.specifier}"))
    if wrong:
        words = " ".join(f"'{requirement}'" for requirement, _ in wrong)
        text = "; ".join(text for _, text in wrong)
        yield Finding("packages", Level.ERROR, text, f"{sys.executable} -m pip install {words}")
    else:
        yield Finding("packages", Level.OK, "all there")
