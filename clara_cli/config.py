"""Where settings come from: environment variables, then the configuration file, then defaults.

The file is `~/.clara/config.yaml`, or the one given by `--config`. Keys read here:

    root            folder that holds payloads and the database
    start           `attach` (default): `clara start` stays until the job ends; `detach`: it returns at once
    operator_path   list of folders that hold operator programs by image name
    mounts          `auto` (default): operators have mounts where these work; `require`, or `off`
    cpus, memory, timeout, operator_timeout, service_timeout, venv, fast_io, services, triton, models, clean,
    log_limit, platform, host, port, token_file, tls, engine, slurm: see `Config`

`clara_cli.config_keys` lists them for the user; other keys, such as those of the original, are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from clara_cli.addresses import Triton
from clara_cli.config_values import (
    SWITCHES,
    check_ngc,
    check_path,
    choice,
    read_addresses,
    read_folders,
    read_host,
    read_platform,
    read_port,
    read_retention,
    read_slurm,
    read_tls,
    read_triton,
    seconds,
    spoken,
    truth,
    whole,
)
from clara_cli.errors import ConfigError
from clara_cli.home import from_home
from clara_cli.platform_limits import DEFAULT_LIMITS, PlatformLimits
from clara_cli.retention import NO_LIMIT, Retention

if TYPE_CHECKING:
    from clara_cli.slurm_options import SlurmOptions

START_MODES = ("attach", "detach")
VENV_MODES = ("ask", "auto", "never")
MOUNT_MODES = ("auto", "require", "off")
ENGINES = ("local", "slurm")


# A named tuple, as what hangs on it: every command makes one, and dataclasses take longer to be made than to be used.
class Config(NamedTuple):
    """The settings in force.

    Attributes:
        root: the root as asked for by variable or file; None leaves the choice to `clara_cli.root`.
        start: `attach` or `detach`.
        operator_path: folders searched for operator programs, in order.
        cpus: cores that operators may use at once; None for what the machine has.
        memory: the same in megabytes.
        timeout: seconds that a job may take where its definition does not say; None for no limit.
        operator_timeout: the same for one operator.
        service_timeout: seconds that a service has until it answers at its port.
        venv: what happens at the start of a job when an operator needs an environment of its own that was not made:
            `ask` (an error says how to make it), `auto` (it is made), `never` (clara's own environment is used).
        mounts: whether operators see their folders at the declared paths: `auto` (where that works), `require` (an
            error before the start where it does not), `off`.
        fast_io: operators' Python reads and writes gzip and zip files by faster codecs, where it has them.
        services: connection name → address of a server that runs already.
        triton: a Triton server that runs already.
        models: folders of models by name.
        platform: limits of the platform server.
        clean: which payloads of ended jobs are removed when a job ends.
        log_limit: megabytes kept of each operator's log.
        engine: where jobs run: `local`, on this machine, or `slurm`, on the nodes of a cluster.
        slurm: how jobs are asked for there; None where nothing is said.
        host: the platform on another machine that commands work on, `HOST[:PORT]`; None for this machine.
        port: its port, where `host` does not say.
        token_file: what is sent with each call to it, if it asks for that.
        tls: files, PEM: `ca`, the authorities that the platform's certificate is to be of; `cert` and `key`, what it is
            shown. With any of them TLS is used.
    """

    root: Path | None = None
    start: str = "attach"
    operator_path: tuple[Path, ...] = ()
    cpus: int | None = None
    memory: int | None = None
    timeout: float | None = None
    operator_timeout: float | None = None
    service_timeout: float = 60.0
    venv: str = "ask"
    mounts: str = "auto"
    fast_io: bool = False
    services: Mapping[str, str] = MappingProxyType({})
    triton: Triton | None = None
    models: Mapping[str, Path] = MappingProxyType({})
    platform: PlatformLimits = DEFAULT_LIMITS
    clean: Retention = NO_LIMIT
    log_limit: int = 256
    warm_start: bool = True
    engine: str = ENGINES[0]
    slurm: SlurmOptions | None = None
    host: str | None = None
    port: int | None = None
    token_file: Path | None = None
    tls: Mapping[str, Path] = MappingProxyType({})


DEFAULTS = Config()


def load_config(file: str | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Read the settings.

    Args:
        file: the value of `--config`; None for the default file, which need not exist.

    Raises:
        ConfigError: a file that was asked for is missing, unreadable or not a mapping; a wrong value.
    """
    path = config_path(file)
    return make_config(read_config(path, required=file is not None), path, environment)


def config_path(file: str | None = None) -> Path:
    """The file given by `--config`, else the default one."""
    return from_home(file or "~/.clara/config.yaml")


def make_config(values: dict[str, Any], path: Path, environment: Mapping[str, str]) -> Config:
    """The settings that the values of a file and the variables come to.

    Raises:
        ConfigError: a wrong value; the message names it and `path`, where it is or would be written.
    """
    own_root = _root(values.get("root"), path, path.absolute().parent)
    check_ngc(values, path)
    root = _root(environment.get("CLARA_ROOT") or None, path, Path.cwd())
    if values.get("mounts") is False:
        values["mounts"] = "off"  # what YAML makes of it
    return Config(
        root=root or own_root,
        start=spoken(values, "start", START_MODES, path, environment),
        operator_path=_operator_path(values, path, environment),
        cpus=whole(values, "cpus", path),
        memory=whole(values, "memory", path),
        timeout=seconds(values, "timeout", path),
        operator_timeout=seconds(values, "operator_timeout", path),
        service_timeout=seconds(values, "service_timeout", path) or DEFAULTS.service_timeout,
        venv=choice(values, "venv", VENV_MODES, path),
        mounts=spoken(values, "mounts", MOUNT_MODES, path, environment),
        fast_io=_switch(values, "fast_io", path, environment, False),
        services=read_addresses(values, path),
        triton=read_triton(values, path),
        models=read_folders(values, "models", path),
        platform=read_platform(values, path),
        clean=read_retention(values, path),
        log_limit=whole(values, "log_limit", path) or DEFAULTS.log_limit,
        warm_start=_switch(values, "warm_start", path, environment, True),
        engine=spoken(values, "engine", ENGINES, path, environment),
        slurm=read_slurm(values, path),
        host=read_host(values, path, environment),
        port=read_port(values, path),
        token_file=_file(values, "token_file", path, environment),
        tls=read_tls(values, path),
    )


def read_config(path: Path, required: bool = False) -> dict[str, Any]:
    """The values in a file, unchecked; none where there is no file, unless it is required.

    Raises:
        ConfigError: it cannot be read, or is no mapping.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if required:
            raise ConfigError(f"no configuration file {path}") from None
        return {}
    except UnicodeDecodeError as error:
        raise ConfigError(f"the configuration file {path} is not UTF-8 text (byte {error.start + 1})") from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"cannot read the configuration file {path}: {reason}") from error
    return parse_config(text, path)


def parse_config(text: str, path: Path) -> dict[str, Any]:
    """The values in a configuration file's text.

    Raises:
        ConfigError: it is no YAML, or no mapping.
    """
    import yaml

    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(f"{place}: not valid YAML: {_reason(error)}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold `key: value` lines, found a {type(values).__name__}")
    return values


def _reason(error: Exception) -> str:
    """The YAML reader's words on one line; it calls a nest too deep a recursion."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(getattr(error, "problem", None) or error).split())


def _root(value: object, path: Path, folder: Path) -> Path | None:
    """The root; a relative one is below `folder`."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{path}: root must be the path of a folder, found {value!r}")
    check_path(value, "root", path)
    if ":" in value or ";" in value:
        # Operators read `name:path;name:path` from NVIDIA_CLARA_INPUTPATHS.
        raise ConfigError(f'the root "{value}" must not contain ":" or ";"')
    return folder / from_home(value)


def _file(values: dict[str, Any], key: str, path: Path, environment: Mapping[str, str]) -> Path | None:
    """A file, named by the variable `CLARA_<KEY>` or else by the configuration, there from where that is."""
    variable = environment.get(f"CLARA_{key.upper()}")
    value = variable or values.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{path}: {key} must be the path of a file, found {value!r}")
    check_path(value, key, path)
    return (Path.cwd() if variable else path.absolute().parent) / from_home(value)


def _switch(values: dict[str, Any], key: str, path: Path, environment: Mapping[str, str], default: bool) -> bool:
    """What a variable says, else the file, else nobody."""
    variable = f"CLARA_{key.upper()}"
    word = environment.get(variable)
    if not word:
        return default if values.get(key) is None else truth(values, key, path)
    if word.lower() not in SWITCHES:
        raise ConfigError(f'{variable} is "{word}": expected 1 or 0')
    return SWITCHES[word.lower()]


def _operator_path(values: dict[str, Any], path: Path, environment: Mapping[str, str]) -> tuple[Path, ...]:
    variable = environment.get("CLARA_OPERATOR_PATH")
    # Relative folders of the file are meant from where the file is.
    base = Path.cwd() if variable else path.absolute().parent
    folders: object = variable.split(os.pathsep) if variable else values.get("operator_path") or []
    if isinstance(folders, str):
        folders = [folders]
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise ConfigError(f"{path}: operator_path must be a list of folders, found {folders!r}")
    for folder in folders:
        check_path(folder, "operator_path", path)
    return tuple(base / from_home(folder) for folder in folders if folder)
