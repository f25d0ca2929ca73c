"""Changing the configuration file: single values in place, with comments kept; replaced whole or not at all.

The file may hold a key, so it is for its owner alone (mode 0600).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clara_cli.config import make_config, parse_config
from clara_cli.config_text import remove_value, set_value
from clara_cli.errors import ConfigError


def change(path: Path, keys: tuple[str, ...], value: Any) -> bool:
    """Set a value; what the file would then say is checked as it is checked when it is read.

    Args:
        keys: the path of the value: `(name,)` or `(name, inner name)`.

    Returns:
        whether comments were kept; they are lost where YAML's rarer forms leave no other way.

    Raises:
        ConfigError: the value is wrong, or the file is, or it cannot be written; it is left as it was.
    """
    return _rewrite(path, lambda text: set_value(text, keys, value), lambda values: _put(values, keys, value))


def remove(path: Path, keys: tuple[str, ...]) -> bool:
    """Remove a value, as `change` sets one."""

    def edit(text: str) -> str | None:
        # With the last name in a mapping the mapping goes.
        return remove_value(text, keys) or remove_value(text, keys[:1])

    return _rewrite(path, edit, lambda values: _drop(values, keys))


def write_text(path: Path, text: str) -> None:
    """Check a whole new text, and let it take the file's place.

    Raises:
        ConfigError: as `change`.
    """
    make_config(parse_config(text, path), path, {})
    with _alone(path):
        _replace(path, text)


def read_text(path: Path) -> str:
    """The file's text; empty when there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read the configuration file {path}: {reason}") from error


def ensure_folder(path: Path) -> None:
    """Make the file's folder, `~/.clara`, which scripts look for."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {path.parent}: {error.strerror}") from error


def _rewrite(
    path: Path,
    edit: Callable[[str], str | None],
    apply: Callable[[dict[str, Any]], dict[str, Any]],
) -> bool:
    import yaml

    with _alone(path):
        text = read_text(path)
        values = apply(parse_config(text, path))
        make_config(values, path, {})
        edited = edit(text)
        kept = edited is not None and _means(edited, values)
        if not kept or edited is None:
            edited = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1 << 16) if values else ""
        _replace(path, edited)
    return kept or "#" not in text


def _means(text: str, values: dict[str, Any]) -> bool:
    """Whether an edited text says what was wanted: YAML has more forms than the edit knows."""
    import yaml

    try:
        return (yaml.safe_load(text) or {}) == values
    except yaml.YAMLError:
        return False


def _put(values: dict[str, Any], keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    if len(keys) == 1:
        return {**values, keys[0]: value}
    inner = values.get(keys[0])
    return {**values, keys[0]: _put(inner if isinstance(inner, dict) else {}, keys[1:], value)}


def _drop(values: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    if len(keys) > 1 and isinstance(values.get(keys[0]), dict):
        inner = _drop(values[keys[0]], keys[1:])
        return {**values, keys[0]: inner} if inner else _drop(values, keys[:1])
    return {name: value for name, value in values.items() if name != keys[0]}


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Only one process changes the file at a time, or the change of one would undo that of another."""
    ensure_folder(path)
    try:
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot use the folder {path.parent}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    """Write beside the file and rename; a link to a file elsewhere stays one."""
    target = path.resolve()
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    except (OSError, UnicodeEncodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot write the configuration file {path}: {reason}") from error
