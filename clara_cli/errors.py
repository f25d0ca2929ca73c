"""Every failure a user can cause or meet, as one tree.

    ClaraError            exit 1   base: one clear message, an optional hint
    ├── UsageError        exit 2   the command line itself is wrong
    ├── DefinitionError   exit 1   a pipeline definition is wrong; carries `Problem`s with positions
    ├── NotFound          exit 1   no pipeline, job, image, operator or file of that name
    ├── StateConflict     exit 1   the job or image is not in a state that allows this
    ├── PayloadError      exit 1   files could not be read, copied or written
    │   └── VolumeError   exit 1   a file or variable is no volume that can be shown, or is damaged
    ├── ImageError        exit 1   a container image has no local program, or its folder is unusable
    ├── StoreError        exit 1   the root or its database cannot be used
    ├── ConfigError       exit 1   the configuration file or a variable has a wrong value
    └── RuntimeFailure    exit 1   a job could not be run (shared memory, processes)

The core raises these and never prints; `clara_cli.cli` alone turns them into `Error: …` on stderr.
"""

from __future__ import annotations


class ClaraError(Exception):
    """One message for the user, and optionally what to do next.

    Attributes:
        message: what is wrong, where, and what was expected.
        hint: what the user can do; shown on a line of its own.
        exit_code: the status the command ends with.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ClaraError):
    exit_code = 2


class DefinitionError(ClaraError):
    """A definition that cannot be used: `problems` (of `clara_cli.pipelines.problem`) says everything at once."""

    def __init__(self, message: str, problems: tuple[object, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.problems = problems


class NotFound(ClaraError):
    """Something that does not exist; `kind` says what was looked for by its id, such as `job`."""

    def __init__(self, message: str, hint: str | None = None, kind: str | None = None) -> None:
        super().__init__(message, hint)
        self.kind = kind


class StateConflict(ClaraError):
    pass


class PayloadError(ClaraError):
    pass


class VolumeError(PayloadError):
    pass


class ImageError(ClaraError):
    pass


class StoreError(ClaraError):
    pass


class ConfigError(ClaraError):
    def __init__(self, message: str, hint: str | None = None) -> None:
        # On one line, whatever a value that it shows holds.
        super().__init__(" ".join(message.splitlines()), hint)


class RuntimeFailure(ClaraError):
    pass
