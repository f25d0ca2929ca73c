"""All checks in a row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from clara_cli.config import Config, config_path, load_config, read_config
from clara_cli.config_keys import unknown_keys
from clara_cli.doctor.cluster import check_cluster
from clara_cli.doctor.finding import Finding, Level
from clara_cli.doctor.leftovers import check_leftovers
from clara_cli.doctor.machine import (
    check_engines,
    check_limits,
    check_machine,
    check_name_spaces,
    check_shared_memory,
)
from clara_cli.doctor.python import check_python
from clara_cli.doctor.session import check_session
from clara_cli.doctor.storage import check_database, check_root
from clara_cli.errors import ConfigError
from clara_cli.root import Root, locate_root


def examine(config_file: str | None = None) -> Iterator[Finding]:
    """Look at everything that jobs depend on; each finding is given as soon as it is there."""
    config, findings = _read_config(config_file)
    yield from findings
    if config is not None:
        root = Root(Path(locate_root(config)))
        yield from check_root(root.path)
        if not root.path.exists() or os.access(root.path, os.R_OK | os.X_OK):
            yield from check_database(root.database)
            yield from check_leftovers(root.path, root.database)
        yield from check_cluster(config, root.path)
    yield from check_machine()
    yield from check_shared_memory()
    yield from check_limits()
    yield from check_name_spaces(config.mounts if config is not None else "auto")
    yield from check_session()
    yield from check_engines()
    yield from check_python()


def _read_config(file: str | None) -> tuple[Config | None, list[Finding]]:
    path = config_path(file)
    try:
        config = load_config(file)
        unknown = unknown_keys(read_config(path))
    except ConfigError as error:
        return None, [Finding("configuration", Level.ERROR, error.message, error.hint or "clara config edit")]
    if unknown:
        text = f"{path}: keys not known: {', '.join(unknown)}"
        return config, [Finding("configuration", Level.WARNING, text, "clara config unset KEY")]
    return config, [Finding("configuration", Level.OK, str(path) if path.exists() else "none, defaults apply")]
