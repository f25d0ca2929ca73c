"""What a Dockerfile says about starting its image: read only, nothing is built.

Only the final stage counts, with those it is built on. RUN lines and base images stay unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from clara_cli.errors import ImageError
from clara_cli.images.instructions import Instruction, malformed, read_instructions
from clara_cli.images.stage import Copy, Stage, declared, take
from clara_cli.images.words import expand


@dataclass(frozen=True)
class Dockerfile:
    """The final stage of a Dockerfile.

    Attributes:
        entrypoint: argument list; a shell form is `/bin/sh -c TEXT`; empty when there is none.
        cmd: like `entrypoint`.
        workdir: absolute container path.
        environment: the ENV lines; `${PATH}` and `${LD_LIBRARY_PATH}` of the base image stay as written here.
        copies: local files in the order of the lines, earlier stages of `FROM stage` included.
        warnings: what the file asks for and a local program will not get.
    """

    path: Path
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    workdir: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    warnings: tuple[str, ...] = ()


def read_dockerfile(path: Path) -> Dockerfile:
    """Read a Dockerfile.

    Raises:
        ImageError: it cannot be read or is malformed; the message names file and line.
    """
    stages: dict[str, Stage] = {}
    global_args: dict[str, str] = {}
    stage: Stage | None = None
    for item in read_instructions(path):
        try:
            if item.keyword == "FROM":
                stage = _from(item, path, stages, global_args)
            elif stage is not None:
                take(stage, item)
            elif item.keyword == "ARG":
                global_args.update(declared(item, global_args, {}))
            else:
                raise ValueError(f"{item.keyword} stands before the first FROM")
        except ValueError as error:
            raise malformed(path, item.line, str(error)) from error
    if stage is None:
        raise ImageError(f"{path}: has no FROM line")
    return Dockerfile(
        path,
        stage.entrypoint,
        stage.cmd,
        stage.workdir,
        stage.environment,
        tuple(stage.copies),
        tuple(stage.warnings),
    )


def _from(item: Instruction, path: Path, stages: dict[str, Stage], global_args: dict[str, str]) -> Stage:
    words = [expand(word, global_args) for word in item.value.split() if not word.startswith("--")]
    named = len(words) == 3 and words[1].upper() == "AS"
    if not words or not (named or len(words) == 1):
        raise ValueError("FROM must be written as FROM IMAGE or FROM IMAGE AS STAGE")
    base = stages.get(words[0].lower())
    stage = base.child() if base else Stage(path, global_args=global_args)
    stages[words[2].lower() if named else str(len(stages))] = stage
    return stage
