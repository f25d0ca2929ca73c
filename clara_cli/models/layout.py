"""Triton's layout of a model's folder, and what of it can be checked without a Triton server.

<model name>/
  config.pbtxt                     its `name`, if given, is the folder's
  <version>/                       1, 2, …: whole numbers without a leading zero
    model.savedmodel/ or model.graphdef   (tensorflow)
    model.plan                            (tensorrt)
    model.pt                              (pytorch)
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from clara_cli.errors import PayloadError, UsageError

# What `create model -t` knows, and the files that are a model of that type.
FILES = {
    "tensorflow": ("model.savedmodel", "model.graphdef"),
    "tensorrt": ("model.plan",),
    "pytorch": ("model.pt",),
    "unknown": (),
}
# With these a server finds out by itself what config.pbtxt would say.
_SELF_DESCRIBING = ("model.savedmodel", "model.plan", "model.onnx")
_CONFIG = "config.pbtxt"
_VERSION = re.compile(r"[1-9][0-9]*")
# Strings of protobuf's text form, comments, braces and words; the fields of interest are outside of all braces.
_TOKEN = re.compile(r"""#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}\[\]:,;]|[^\s{}\[\]:,;"'#]+""")
_EXPECTED = (
    "expected Triton's layout: {name}/config.pbtxt and {name}/1/{file}, one numbered folder for each version "
    "(docs: clara help create model)"
)


@dataclass(frozen=True)
class ModelFolder:
    """A folder that fits.

    Attributes:
        versions: in order.
        type: as asked for, or as the files say.
        warnings: what a server may mind.
    """

    name: str
    path: Path
    type: str
    versions: tuple[int, ...]
    warnings: tuple[str, ...]


def check_model(path: Path, wanted: str | None) -> ModelFolder:
    """Check a model's folder.

    Args:
        wanted: its type; None to take it from the files.

    Raises:
        UsageError: a type that does not exist.
        PayloadError: the layout is wrong; says what is wrong and what was expected.
    """
    if wanted is not None and wanted not in FILES:
        raise UsageError(f'"{wanted}" is no type of model: expected {", ".join(FILES)}')
    if not path.is_dir():
        raise PayloadError(f"{path} is {'a file' if path.exists() else 'missing'}: expected the folder of a model")
    folder = path.absolute()
    name = os.path.basename(os.path.realpath(folder))  # noqa: PTH119
    expected = _EXPECTED.format(name=name, file=(FILES[wanted or "unknown"] or ("model.savedmodel",))[0])
    try:
        config = _read_config(folder / _CONFIG)
        versions = _versions(folder, expected)
        if config.get("name", name) != name:
            raise PayloadError(
                f'{folder / _CONFIG} says name: "{config["name"]}", but the folder is called {name}: '
                "a Triton server loads a model only if both are the same"
            )
        kind = wanted or _guess(versions[-1])
        described = _check_versions(versions, kind, config, expected)
    except OSError as error:
        raise PayloadError(f"cannot read the model {folder}: {error.filename}: {error.strerror}") from error
    warnings = []
    if not (folder / _CONFIG).is_file():
        if not described:
            raise PayloadError(f"{folder} has no {_CONFIG}", hint=expected)
        warnings.append(f"{folder} has no {_CONFIG}: a server must be started with --strict-model-config=false")
    return ModelFolder(name, folder, kind, tuple(int(version.name) for version in versions), tuple(warnings))


def _versions(folder: Path, expected: str) -> list[Path]:
    """The version folders, in order."""
    inside = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    found = [entry for entry in inside if _VERSION.fullmatch(entry.name)]
    if found:
        return sorted(found, key=lambda entry: int(entry.name))
    models = [entry.name for entry in inside if (entry / _CONFIG).is_file() or any(map(_is_version, entry.iterdir()))]
    if models:
        raise PayloadError(
            f"{folder} holds several models, it is none itself: {', '.join(models[:12])}",
            hint=f"give one of them: clara create model -p {folder / models[0]}",
        )
    listed = ", ".join(entry.name for entry in inside[:12]) or "none"
    raise PayloadError(f"{folder} has no version folder (folders in it: {listed})", hint=expected)


def _is_version(path: Path) -> bool:
    return path.is_dir() and _VERSION.fullmatch(path.name) is not None


def _check_versions(versions: list[Path], kind: str, config: dict[str, str], expected: str) -> bool:
    """Whether every version describes itself; raises when one has no model in it."""
    if config.get("platform") == "ensemble":
        return True  # its version folders are empty
    own = config.get("default_model_filename")
    described = True
    for version in versions:
        inside = sorted(entry.name for entry in version.iterdir())
        wanted = (own,) if own else FILES[kind]
        if not inside or (wanted and not set(wanted) & set(inside)):
            holds = f"it holds {', '.join(inside[:12])}" if inside else "it is empty"
            raise PayloadError(
                f"version {version} has no {' or '.join(wanted) or 'model'} ({holds})",
                hint=f"{expected}; the type is {kind}",
            )
        described = described and bool(set(_SELF_DESCRIBING) & set(inside))
    return described


def _guess(version: Path) -> str:
    """The type that the files of a version speak of."""
    inside = {entry.name for entry in version.iterdir()}
    return next((kind for kind, files in FILES.items() if inside & set(files)), "unknown")


def _read_config(path: Path) -> dict[str, str]:
    """The plain fields at the top of a config.pbtxt; empty without the file.

    Raises:
        PayloadError: it is no text of that form.
    """
    if not path.is_file():
        return {}
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError(f"{path} is not UTF-8 text (byte {error.start + 1})") from error
    tokens = [token for token in _TOKEN.findall(text) if not token.startswith("#")]
    fields: dict[str, str] = {}
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token in "{[") - (token in "}]")
        if depth < 0:
            break
        if depth == 0 and token == ":" and 0 < place < len(tokens) - 1:
            fields[tokens[place - 1]] = tokens[place + 1].strip("\"'")
    if depth:
        raise PayloadError(f"{path} is not protobuf's text form: its braces do not match")
    return fields
