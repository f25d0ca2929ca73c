"""The documented keys of the configuration file: what each means, and what a value on the command line becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from clara_cli.errors import ConfigError

Form = Literal["text", "switch", "number", "folder", "folders", "mapping"]
MASK = "********"


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        form: `switch`, `number` and `mapping` are written as YAML; of a mapping single names are set as `key.name`.
        default: in words; empty for none.
        variable: the environment variable that wins over the file.
    """

    name: str
    form: Form
    meaning: str
    default: str = ""
    variable: str | None = None


KEYS = {
    key.name: key
    for key in (
        Key("root", "folder", "where payloads, jobs and the database are kept", variable="CLARA_ROOT"),
        Key("start", "text", "attach: clara start stays until the job ends; detach", "attach", "CLARA_START"),
        Key("operator_path", "folders", "folders searched for operator programs", variable="CLARA_OPERATOR_PATH"),
        Key("cpus", "number", "cores that operators may use at once", "all"),
        Key("memory", "number", "megabytes that operators may use at once", "all"),
        Key("timeout", "number", "seconds that a job may take where its definition does not say", "no limit"),
        Key("operator_timeout", "number", "the same for one operator", "no limit"),
        Key("service_timeout", "number", "seconds that a service has until it answers", "60"),
        Key("venv", "text", "missing Python environments: ask, auto or never", "ask"),
        Key("mounts", "text", "declared paths of operators: auto, require or off", "auto", "CLARA_MOUNTS"),
        Key("fast_io", "switch", "true: faster codecs for operators' Python", "false", "CLARA_FAST_IO"),
        Key("warm_start", "switch", "false: start every operator anew, fork none", "true", "CLARA_WARM_START"),
        Key("services", "mapping", "connection name: host:port of servers that run already"),
        Key("triton", "mapping", "http and grpc: host:port of the Triton server"),
        Key("models", "mapping", "model name: folder, for Triton services that a job starts"),
        Key("clean", "mapping", "older_than, failed_older_than, max_size: payloads of ended jobs that may go"),
        Key("log_limit", "number", "megabytes kept of each operator's log", "256"),
        Key("platform", "mapping", "max_upload, storage_percent, idle: limits of the platform server; token_file"),
        Key("engine", "text", "where jobs run: local, or slurm (a cluster's nodes)", "local", "CLARA_ENGINE"),
        Key(
            "slurm",
            "mapping",
            "jobs there: partition, account, qos, constraint, reservation, memory, extra",
        ),
        Key("host", "text", "HOST[:PORT] of the platform that commands work on, as --host", "here", "CLARA_HOST"),
        Key("port", "number", "its port where host does not say", "30031"),
        Key("token_file", "text", "file with the token that its callers show", variable="CLARA_TOKEN_FILE"),
        Key("tls", "mapping", "ca, cert and key: files that say who it is, and who calls it"),
        Key("ngc", "mapping", "key and orgteam, as clara config --key stores them; kept, not used"),
    )
}
_SECRET = ("ngc", "key")
_FILES = {("token_file",), ("platform", "token_file"), *(("tls", name) for name in ("ca", "cert", "key"))}


def find_key(text: str) -> tuple[Key, tuple[str, ...]]:
    """The key that a text such as `cpus` or `services.NAME` names, and the words of its path.

    Raises:
        ConfigError: there is no such key; the message offers the nearest.
    """
    name, dot, inner = text.partition(".")
    key = KEYS.get(name)
    if key is None:
        raise ConfigError(f'no configuration key "{text}"{did_you_mean(name)}', hint="clara config list shows the keys")
    if dot and (key.form != "mapping" or not inner):
        raise ConfigError(f'no configuration key "{text}": {name} holds one value', hint=f"use {name}")
    return key, (name, inner) if dot else (name,)


def did_you_mean(name: str) -> str:
    """The nearest key as the end of a message, or nothing."""
    near = get_close_matches(name.lower(), KEYS, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def from_words(key: Key, path: tuple[str, ...], words: Sequence[str]) -> Any:
    """What the words of a command line mean as a key's value.

    Folders and files are meant from where the command is called, so relative ones are written whole; `~` stays.

    Raises:
        ConfigError: not one word, or no YAML.
    """
    if key.form == "folders" and not (len(words) == 1 and words[0].startswith("[")):
        return [_whole(word) for word in words]
    if len(words) != 1:
        raise ConfigError(f"{'.'.join(path)} takes one value, found {len(words)}", hint="quote a value with blanks")
    (word,) = words
    if key.form == "folder" or path in _FILES or (key.name == "models" and len(path) == 2):
        return _whole(word)
    if key.form == "text" or len(path) == 2:
        return word
    import yaml

    try:
        return yaml.safe_load(word)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{key.name}: not valid YAML: {word!r}") from error


def _whole(word: str) -> str:
    return word if word.startswith("~") or not word else str(Path.cwd() / word)


@dataclass(frozen=True)
class Setting:
    """A key's value in force and where it comes from: a variable, the file, or nowhere (`default`)."""

    key: Key
    value: Any
    origin: str


def settings_in_force(values: Mapping[str, Any], path: Path, environment: Mapping[str, str]) -> Iterator[Setting]:
    """Every key as it is set now; secrets are masked."""
    for key in KEYS.values():
        if key.variable and environment.get(key.variable):
            yield Setting(key, environment[key.variable], key.variable)
        elif values.get(key.name) is not None:
            yield Setting(key, masked(key, values[key.name]), str(path))
        else:
            yield Setting(key, None, "default")


def masked(key: Key, value: Any) -> Any:
    """The value with what must never be shown replaced."""
    if key.name == _SECRET[0] and isinstance(value, Mapping):
        return {name: MASK if name == _SECRET[1] and item else item for name, item in value.items()}
    return value


def unknown_keys(values: Mapping[str, Any]) -> list[str]:
    """Keys of a file that clara does not know, each with the nearest that it does."""
    return [f"{name}{did_you_mean(str(name))}" for name in values if name not in KEYS]
