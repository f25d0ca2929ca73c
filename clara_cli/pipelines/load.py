"""The files of a definition → a pipeline, or every fault of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from clara_cli.pipelines import rules, schema, unknown_keys
from clara_cli.pipelines.archive import is_archive, read_archive
from clara_cli.pipelines.build import build
from clara_cli.pipelines.document import Document
from clara_cli.pipelines.draft import read_draft
from clara_cli.pipelines.expand import Expander
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.files import FolderFiles, GivenFiles, read_bytes
from clara_cli.pipelines.library import Library
from clara_cli.pipelines.links import Links
from clara_cli.pipelines.model import Pipeline
from clara_cli.pipelines.nearest import Nearest
from clara_cli.pipelines.problem import Problem
from clara_cli.pipelines.refusal import in_order, refused
from clara_cli.pipelines.scope import Values


@dataclass(frozen=True)
class Loaded:
    """What a definition says.

    Attributes:
        files: path and content of each file it consists of, the pipeline's first.
        warnings: what was ignored, or should be written otherwise.
        document: the document with its imports resolved and its placeholders filled.
        parameters: what a value can be given for at the start of a job → its default; None without one.
        templated: whether it has placeholders, so that it is read anew when a job starts.
        folder: where it lay; None when it came from nowhere.
    """

    pipeline: Pipeline
    files: tuple[tuple[str, bytes], ...]
    warnings: tuple[Problem, ...]
    document: Document
    parameters: Mapping[str, str | None]
    templated: bool
    folder: Path | None = None


def load_pipeline(path: Path, variables: Mapping[str, str] | None = None, *, complete: bool = False) -> Loaded:
    """Read and check a definition: a file with what it imports, a folder, or a zip file.

    Args:
        variables: values for its parameters.
        complete: every parameter needs a value now, and not only when a job starts.

    Raises:
        NotFound: there is no such file.
        DefinitionError: it cannot be read, or is wrong; `problems` says where and how.
    """
    values = Values(variables or {}, complete=complete)
    if _is_folder(path):
        library = Library(FolderFiles(path))
        main = library.main()
        return _load(library, main, values, (path / main).parent)
    content = read_bytes(path)
    if is_archive(content):
        library = Library(read_archive(path))
        return _load(library, library.main(), values, path.parent)
    # Read as it was named, since it may be a pipe; what it imports lies in its folder.
    library = Library(FolderFiles(path.parent), {path.name: (str(path), content)})
    return _load(library, path.name, values, path.parent)


def load_files(
    files: Iterable[tuple[str, bytes]],
    variables: Mapping[str, str] | None = None,
    job: Mapping[str, str] | None = None,
) -> Loaded:
    """Check a definition that was sent or stored as (path, content); the first pipeline in it is meant.

    Args:
        variables: values for its parameters.
        job: the job's own names (`scope.JOB_NAMES`) → values, to fill every placeholder for its start.

    Raises:
        DefinitionError: it is wrong; `problems` says where and how.
    """
    library = Library(GivenFiles(files))
    return _load(library, library.main(), Values(variables or {}, job, complete=job is not None), None)


def check(name: str, content: bytes) -> Loaded:
    """Check a definition of one file; `name` is what messages call it.

    Raises:
        DefinitionError: as `load_files`.
    """
    return _load(Library(GivenFiles([]), {name: (name, content)}), name, Values(), None)


def _load(library: Library, main: str, values: Values, folder: Path | None) -> Loaded:
    written = library.document(main)
    faults, nearest = Faults(), Nearest()
    for problem in written.problems:
        faults.add((), problem)
    expander = Expander(library, faults, nearest, values)
    document = expander.expand(written)
    schema.check(document, faults, nearest)
    unknown_keys.check(document, faults, nearest)
    draft = read_draft(document, faults)
    rules.check(draft, faults)
    links = Links(draft, faults, nearest).resolve()
    rules.check_cycles(draft, links, faults)
    order = _order(library)
    if faults.errors:
        raise refused(written.source.name, faults, order)
    return Loaded(
        build(draft, links),
        tuple(library.used.items()),
        in_order(faults.warnings, order),
        document,
        expander.parameters,
        expander.placeholders > 0,
        folder,
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False  # reading it says why


def _order(library: Library) -> dict[str, int]:
    return {library.label(path): position for position, path in enumerate(library.used)}
