"""Which local program stands for a container image: a registered one, else a folder of the image's name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from clara_cli.errors import ImageError
from clara_cli.images.program import (
    Program,
    argv,
    check_folder,
    check_interpreter,
    is_program_folder,
    read_program,
)
from clara_cli.images.reference import Reference, RegisteredImage, parse_reference
from clara_cli.pipelines.model import Operator


def registration(
    text: str, folder: Path, *, interpreter: Path | None = None, uses_driver: bool = False
) -> RegisteredImage:
    """A checked entry for `NAME[:TAG]`, with absolute paths; nothing is stored.

    Raises:
        ImageError: no image name, no program in the folder, or no interpreter that can be started.
    """
    reference = parse_reference(text)
    check_folder(folder)
    if interpreter is not None:
        check_interpreter(interpreter)
        # Not resolved: a virtual environment is known by the path of its python.
        interpreter = interpreter.absolute()
    return RegisteredImage(reference.name, reference.tag, folder.resolve(), interpreter, uses_driver)


def find_program(
    image: str,
    tag: str,
    command: Sequence[str] = (),
    *,
    registered: Iterable[RegisteredImage] = (),
    definition_folder: Path | None = None,
    search_path: Sequence[Path] = (),
) -> Program:
    """The program for an image.

    Looked for in this order: a registered image; a folder of the image's last name part beside the definition
    or in its `operators` folder; such a folder in the search path. A bare system or interpreter is none of its own:
    the command runs on this machine.

    Args:
        command: the definition's `container.command`.

    Raises:
        ImageError: none found, with all places looked at; or what was found cannot be used.
    """
    parsed = parse_reference(image)
    wanted = Reference(parsed.name, parsed.tag or tag or "latest")
    entries = list(registered)
    entry = match_registered(wanted, entries)
    if entry is not None:
        return read_program(
            entry.folder,
            interpreter=entry.interpreter,
            uses_driver=entry.uses_driver,
            origin=f"registered image {entry.reference}",
        )
    folders = _candidates(wanted.short_name, definition_folder, search_path)
    for folder in folders:
        if is_program_folder(folder):
            return read_program(folder, origin=f"folder {folder}")
    from clara_cli.images.bare import bare_program, is_bare

    if is_bare(wanted):
        return bare_program(wanted, command)
    raise _not_found(wanted, entries, folders)


def find_programs(
    operators: Iterable[Operator],
    *,
    registered: Iterable[RegisteredImage] = (),
    definition_folder: Path | None = None,
    search_path: Sequence[Path] = (),
) -> dict[str, Program]:
    """The programs of a pipeline by operator name, each checked to have something to run.

    Raises:
        ImageError: one error for all operators without a usable program.
    """
    entries = list(registered)
    programs: dict[str, Program] = {}
    failures: list[tuple[str, ImageError]] = []
    for operator in operators:
        try:
            program = find_program(
                operator.image,
                operator.tag,
                operator.command,
                registered=entries,
                definition_folder=definition_folder,
                search_path=search_path,
            )
            argv(program, operator.command)
            programs[operator.name] = program
        except ImageError as error:
            failures.append((operator.name, error))
    if failures:
        raise _joined(failures)
    return programs


def match_registered(wanted: Reference, registered: Iterable[RegisteredImage]) -> RegisteredImage | None:
    """The registered image for a reference.

    The whole name counts first; else the last part of the name, unless images of different names share it.
    For either, the exact tag counts first, then an image registered without a tag.
    """
    entries = list(registered)
    same = [entry for entry in entries if entry.name == wanted.name]
    alike = [entry for entry in entries if entry.reference.short_name == wanted.short_name]
    return _by_tag(wanted.tag, same) or _by_tag(wanted.tag, alike)


def _by_tag(tag: str, entries: list[RegisteredImage]) -> RegisteredImage | None:
    for accepted in (tag, ""):
        found = [entry for entry in entries if entry.tag == accepted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _candidates(short_name: str, definition_folder: Path | None, search_path: Sequence[Path]) -> list[Path]:
    folders = [] if definition_folder is None else [definition_folder, definition_folder / "operators"]
    return [folder.absolute() / short_name for folder in dict.fromkeys((*folders, *search_path))]


def _not_found(wanted: Reference, registered: list[RegisteredImage], folders: list[Path]) -> ImageError:
    lines = [f"no local program for image {wanted}; looked for"]
    lines.append(f"  a registered image {wanted}, or {wanted.name} registered without a tag")
    lines += [
        f"    (there is {entry.reference}, in {entry.folder})"
        for entry in registered
        if entry.reference.short_name == wanted.short_name
    ]
    lines += [f"  folder {folder}{_state(folder)}" for folder in folders]
    return ImageError("\n".join(lines), hint=f"clara create image -n {wanted} -p FOLDER")


def _state(folder: Path) -> str:
    return " (is there, but has neither a Dockerfile nor a main.py)" if folder.is_dir() else ""


def _joined(failures: list[tuple[str, ImageError]]) -> ImageError:
    """One error for all; operators that share an image are named together."""
    names: dict[str, list[str]] = {}
    for name, error in failures:
        names.setdefault(error.message, []).append(name)
    message = "\n".join(f"operator {', '.join(group)}: {text}" for text, group in names.items())
    hints = dict.fromkeys(error.hint for _, error in failures if error.hint)
    return ImageError(message, hint="\n".join(hints) or None)
