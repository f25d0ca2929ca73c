"""One stage of a Dockerfile, instruction by instruction.

Source of the rules: the Dockerfile reference of Docker (exec and shell forms, scope of ARG and ENV, COPY).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from clara_cli.images.instructions import Instruction
from clara_cli.images.words import expand

# A base image sets these; a reference to them stays in the text until the launch knows the real values.
INHERITED = {"PATH": "${PATH}", "LD_LIBRARY_PATH": "${LD_LIBRARY_PATH}"}
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Copy:
    """A COPY or ADD of local files.

    Attributes:
        sources: paths or globs below the folder of the Dockerfile.
        target: absolute container path.
        into: whether the target is a folder by its spelling (`/app/`, `.`) or because it is the WORKDIR.
        line: where it is written, counted from 1.
    """

    sources: tuple[str, ...]
    target: str
    into: bool
    line: int


@dataclass
class Stage:
    """A stage as far as it was read; `args` are the build arguments it declared."""

    path: Path
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    cmd_is_own: bool = False
    workdir: str = "/"
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    global_args: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        return {**INHERITED, **self.args, **self.environment}

    def child(self) -> Stage:
        """The start of a stage built on this one; build arguments are not inherited."""
        return replace(
            self,
            cmd_is_own=False,
            args={},
            environment=dict(self.environment),
            copies=list(self.copies),
            warnings=list(self.warnings),
        )


def take(stage: Stage, item: Instruction) -> None:
    """Let one instruction have its effect; those that change nothing here (RUN, LABEL, USER) are passed over.

    Raises:
        ValueError: the instruction is malformed.
    """
    handler = _HANDLERS.get(item.keyword)
    if handler is not None:
        handler(stage, item)


def _entrypoint(stage: Stage, item: Instruction) -> None:
    stage.entrypoint = _argv(stage, item)
    if not stage.cmd_is_own:
        stage.cmd = ()


def _cmd(stage: Stage, item: Instruction) -> None:
    stage.cmd, stage.cmd_is_own = _argv(stage, item), True


def _argv(stage: Stage, item: Instruction) -> tuple[str, ...]:
    listed = _json_list(item)
    return (*stage.shell, item.value) if listed is None else listed


def _shell(stage: Stage, item: Instruction) -> None:
    listed = _json_list(item)
    if not listed:
        raise ValueError('SHELL needs a JSON list such as ["/bin/bash", "-c"]')
    stage.shell = listed


def _json_list(item: Instruction) -> tuple[str, ...] | None:
    """The exec form, or None for the shell form."""
    if not (item.value.startswith("[") and item.value.endswith("]")):
        return None
    try:
        value = json.loads(item.value)
    except ValueError as error:
        raise ValueError(f"{item.keyword}: not a JSON list of double-quoted texts: {item.value}") from error
    if not all(isinstance(word, str) for word in value):
        raise ValueError(f"{item.keyword}: not a JSON list of texts: {item.value}")
    return tuple(value)


def _workdir(stage: Stage, item: Instruction) -> None:
    stage.workdir = _container_path(stage, expand(item.value, stage.variables))


def _container_path(stage: Stage, text: str) -> str:
    # normpath keeps a double slash at the start, which means nothing in a container
    return "/" + posixpath.normpath(posixpath.join(stage.workdir, text)).lstrip("/")


def _env(stage: Stage, item: Instruction) -> None:
    variables = stage.variables
    words = _split(item.value)
    if "=" not in words[0]:
        name, value = words[0], item.value[len(words[0]) :].strip()
        if not value:
            raise ValueError(f"ENV {name} has no value")
        stage.environment[name] = expand(value, variables)
        return
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ValueError(f"ENV: '{word}' is not NAME=VALUE")
        stage.environment[expand(name, variables)] = expand(value, variables)


def _arg(stage: Stage, item: Instruction) -> None:
    stage.args.update(declared(item, stage.variables, stage.global_args))


def declared(item: Instruction, variables: dict[str, str], global_args: dict[str, str]) -> dict[str, str]:
    """Build arguments with a default, or with the value declared before the first FROM; others stay unset."""
    values: dict[str, str] = {}
    for word in _split(item.value):
        name, equals, default = word.partition("=")
        if not name.isidentifier():
            raise ValueError(f"ARG: '{name}' is not a variable name")
        if equals:
            values[name] = expand(default, {**variables, **values})
        elif name in global_args:
            values[name] = global_args[name]
    return values


def _copy(stage: Stage, item: Instruction) -> None:
    flags, words = _copy_words(item)
    for flag in flags:
        if flag.startswith("--from="):
            stage.warnings.append(f"{stage.path}:{item.line}: {item.keyword} {flag} is skipped: nothing is built")
            return
    if any(word.startswith("<<") for word in words):
        raise ValueError(f"{item.keyword} from a here-document is not supported; put the text into a file")
    if len(words) < 2:
        raise ValueError(f"{item.keyword} needs a source and a destination")
    *sources, target = (expand(word, stage.variables) for word in words)
    path = _container_path(stage, target)
    local = tuple(source for source in sources if not _is_remote(source))
    if local:
        into = len(sources) > 1 or target.endswith(("/", "/.", "..")) or target in (".", "")
        inside = (stage.workdir + "/").startswith(path.rstrip("/") + "/")
        stage.copies.append(Copy(local, path, into or inside, item.line))
    packed = [source for source in local if item.keyword == "ADD" and source.endswith(_ARCHIVES)]
    stage.warnings += [f"{stage.path}:{item.line}: {source} is not unpacked" for source in packed]


def _copy_words(item: Instruction) -> tuple[list[str], list[str]]:
    words = _split(item.value)
    count = next((i for i, word in enumerate(words) if not word.startswith("--")), len(words))
    rest = item.value
    for flag in words[:count]:
        rest = rest[len(flag) :].lstrip()
    listed = _json_list(replace(item, value=rest)) if rest.startswith("[") else None
    return words[:count], words[count:] if listed is None else list(listed)


def _is_remote(source: str) -> bool:
    return "://" in source or source.startswith("git@")


def _split(text: str) -> list[str]:
    from dockerfile_parse.util import WordSplitter  # type: ignore[import-untyped]

    return list(WordSplitter(text).split(dequote=False))


_HANDLERS: dict[str, Callable[[Stage, Instruction], None]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "SHELL": _shell,
    "WORKDIR": _workdir,
}
