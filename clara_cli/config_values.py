"""Checks of single values of the configuration file; each raises ConfigError that names file and key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clara_cli.addresses import GRPC_PORT, HTTP_PORT, Triton, parse_address, triton_at
from clara_cli.errors import ConfigError
from clara_cli.home import from_home
from clara_cli.platform_limits import PlatformLimits
from clara_cli.quantities import parse_age, parse_size
from clara_cli.retention import Retention

if TYPE_CHECKING:
    from clara_cli.slurm_options import SlurmOptions


def seconds(values: Mapping[str, Any], key: str, path: Path) -> float | None:
    """A number of seconds above 0; None when it is not set."""
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigError(f"{path}: {key} must be a number of seconds above 0, found {value!r}")
    return float(value)


def whole(values: Mapping[str, Any], key: str, path: Path) -> int | None:
    """A whole number above 0; None when it is not set."""
    value = values.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"{path}: {key} must be a whole number above 0, found {value!r}")
    return value


SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def truth(values: Mapping[str, Any], key: str, path: Path) -> bool:
    """True or false; false when it is not set."""
    value = values.get(key)
    if value is not None and not isinstance(value, bool):
        raise ConfigError(f"{path}: {key} must be true or false, found {value!r}")
    return bool(value)


def choice(values: Mapping[str, Any], key: str, known: Sequence[str], path: Path) -> str:
    """One of some words; the first when it is not set."""
    value = values.get(key)
    if value is None:
        return known[0]
    if value not in known:
        raise ConfigError(f'{path}: {key} is "{value}": expected {_listed(known)}')
    return str(value)


def spoken(
    values: Mapping[str, Any], key: str, known: Sequence[str], path: Path, environment: Mapping[str, str]
) -> str:
    """One of some words, from the variable `CLARA_<KEY>` or else from the file; the first when it is not set."""
    variable = f"CLARA_{key.upper()}"
    value = environment.get(variable)
    if not value:
        return choice(values, key, known, path)
    if value not in known:
        raise ConfigError(f'{variable} is "{value}": expected {_listed(known)}')
    return value


def _listed(known: Sequence[str]) -> str:
    return f"{', '.join(known[:-1])} or {known[-1]}"


def read_addresses(values: Mapping[str, Any], path: Path) -> dict[str, str]:
    """`services`: connection name → `host:port`."""
    found = {}
    for name, value in _mapping(values, "services", "connection names and addresses", path).items():
        try:
            found[str(name)] = parse_address(str(value))
        except ValueError as error:
            raise ConfigError(f"{path}: services: {name}: {error}") from error
    return found


def read_triton(values: Mapping[str, Any], path: Path) -> Triton | None:
    """`triton`: a host, or a mapping of `http` and `grpc` to addresses."""
    value = values.get("triton")
    if value is None:
        return None
    try:
        if not isinstance(value, dict):
            return triton_at(str(value))
        if not value or not set(value) <= {"http", "grpc"}:
            raise ValueError(f"expected http and grpc, found {', '.join(map(str, value)) or 'nothing'}")
        host = parse_address(str(value.get("http") or value.get("grpc") or ""), HTTP_PORT).rpartition(":")[0]
        http = parse_address(str(value.get("http") or host), HTTP_PORT)
        return Triton(http, parse_address(str(value.get("grpc") or host), GRPC_PORT))
    except ValueError as error:
        raise ConfigError(f"{path}: triton: {error}") from error


def read_folders(values: Mapping[str, Any], key: str, path: Path) -> dict[str, Path]:
    """A mapping of names to folders."""
    found = {}
    for name, value in _mapping(values, key, "names and folders", path).items():
        if not isinstance(value, str) or "/" in str(name) or str(name) in ("", ".", ".."):
            raise ConfigError(f"{path}: {key}: {name}: expected a name and a folder, found {value!r}")
        check_path(value, f"{key}: {name}", path)
        found[str(name)] = from_home(value).absolute()
    return found


def check_path(value: str, key: str, path: Path) -> None:
    """Refuse what no file can be called: a NUL in it, or half a character."""
    try:
        impossible = b"\0" in os.fsencode(value)
    except UnicodeEncodeError:
        impossible = True
    if impossible:
        raise ConfigError(f"{path}: {key}: {value!r} cannot be the path of a folder")


def check_ngc(values: Mapping[str, Any], path: Path) -> None:
    """`ngc`: what `clara config --key --orgteam` stored; the message never shows the key."""
    for name, value in _mapping(values, "ngc", "key and orgteam", path, shown=False).items():
        if name not in ("key", "orgteam") or not isinstance(value, str):
            raise ConfigError(f"{path}: ngc: expected key and orgteam, each a text")


def read_retention(values: Mapping[str, Any], path: Path) -> Retention:
    """`clean`: `older_than` and `failed_older_than` (ages), `max_size`."""
    given = _mapping(values, "clean", "limits", path)
    known = ("older_than", "failed_older_than", "max_size")
    if unknown := [str(key) for key in given if key not in known]:
        raise ConfigError(f"{path}: clean: {unknown[0]} is no limit: expected {', '.join(known)}")
    try:
        older, failed = (parse_age(str(given[key])) if given.get(key) is not None else None for key in known[:2])
        size = parse_size(str(given["max_size"])) if given.get("max_size") is not None else None
    except ValueError as error:
        raise ConfigError(f"{path}: clean: {error}") from error
    return Retention.of(older, failed, size)


def read_platform(values: Mapping[str, Any], path: Path) -> PlatformLimits:
    """`platform`: limits of the server: `max_upload` (a size), `storage_percent`, `idle` (seconds); `token_file`."""
    given = _mapping(values, "platform", "limits", path)
    known = ("max_upload", "storage_percent", "idle", "token_file")
    if unknown := [str(key) for key in given if key not in known]:
        raise ConfigError(f"{path}: platform: {unknown[0]} is no limit: expected {', '.join(known)}")
    limits = PlatformLimits()
    try:
        upload = parse_size(str(given["max_upload"])) if given.get("max_upload") is not None else limits.upload
    except ValueError as error:
        raise ConfigError(f"{path}: platform: max_upload: {error}") from error
    percent = whole(given, "storage_percent", path) or limits.storage
    if percent > 100:
        raise ConfigError(f"{path}: platform: storage_percent must be at most 100, found {percent}")
    token = given.get("token_file")
    if token is not None and not isinstance(token, str):
        raise ConfigError(f"{path}: platform: token_file must be the path of a file, found {token!r}")
    return limits._replace(
        upload=upload,
        storage=percent,
        idle=seconds(given, "idle", path) or limits.idle,
        token_file=path.absolute().parent / from_home(token) if token else None,
    )


def read_slurm(values: Mapping[str, Any], path: Path) -> SlurmOptions | None:
    """`slurm`: how jobs are asked for: names of sbatch's options, `memory` in megabytes, `extra` words."""
    if values.get("slurm") is None:
        return None
    from clara_cli.slurm_options import SlurmOptions

    given = _mapping(values, "slurm", "options", path)
    names = ("partition", "account", "constraint", "reservation")
    known = (*names, "qos", "memory", "extra")
    if unknown := [str(key) for key in given if key not in known]:
        raise ConfigError(f"{path}: slurm: {unknown[0]} is no option: expected {', '.join(known)}")
    for name in names:
        if given.get(name) is not None and not isinstance(given[name], str):
            raise ConfigError(f"{path}: slurm: {name} must be a text, found {given[name]!r}")
    qos = given.get("qos") or {}
    qos = qos if isinstance(qos, dict) else {"": qos}
    priorities = ("low", "normal", "high", "immediate")
    for priority, value in qos.items():
        if priority not in ("", *priorities) or not isinstance(value, str):
            raise ConfigError(f"{path}: slurm: qos must be a text, or one for each of {', '.join(priorities)}")
    extra = given.get("extra") or []
    extra = extra.split() if isinstance(extra, str) else extra
    if not isinstance(extra, list) or not all(isinstance(word, str) for word in extra):
        raise ConfigError(f"{path}: slurm: extra must be a list of words for sbatch, found {extra!r}")
    texts = {name: given[name] for name in names if given.get(name)}
    return SlurmOptions(**texts, qos=qos, memory=whole(given, "memory", path), extra=tuple(extra))


def read_host(values: Mapping[str, Any], path: Path, environment: Mapping[str, str]) -> str | None:
    """`host`: the address of a platform, from `CLARA_HOST` or else from the file."""
    variable = environment.get("CLARA_HOST")
    value = variable or values.get("host")
    if value is None:
        return None
    from clara_cli.platform_address import platform_at

    try:
        if not isinstance(value, str):
            raise ValueError(f"expected HOST or HOST:PORT, found {value!r}")
        platform_at(value)
    except ValueError as error:
        raise ConfigError(f"CLARA_HOST: {error}" if variable else f"{path}: host: {error}") from error
    return value


def read_port(values: Mapping[str, Any], path: Path) -> int | None:
    """`port`: of the platform that `host` names."""
    port = whole(values, "port", path)
    if port is not None and port > 65535:
        raise ConfigError(f"{path}: port must be at most 65535, found {port}")
    return port


def read_tls(values: Mapping[str, Any], path: Path) -> dict[str, Path]:
    """`tls`: files `ca`, `cert` and `key`; relative ones are beside the configuration file."""
    given = _mapping(values, "tls", "files", path)
    known = ("ca", "cert", "key")
    found = {}
    for name, value in given.items():
        if name not in known or not isinstance(value, str):
            raise ConfigError(f"{path}: tls: expected {', '.join(known)}, each the path of a file; found {name!r}")
        check_path(value, f"tls: {name}", path)
        found[str(name)] = path.absolute().parent / from_home(value)
    if ("cert" in found) != ("key" in found):
        raise ConfigError(f"{path}: tls: cert and key belong together: one of them is missing")
    return found


def _mapping(values: Mapping[str, Any], key: str, of: str, path: Path, *, shown: bool = True) -> dict[Any, Any]:
    value = values.get(key) or {}
    if not isinstance(value, dict):
        found = f", found {value!r}" if shown else ""
        raise ConfigError(f"{path}: {key} must be a mapping of {of}{found}")
    return value
