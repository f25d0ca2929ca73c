"""What can be done with payloads: the functions behind the command line (and later the server and the console)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import NotFound, PayloadError, StateConflict
from clara_cli.filecopy import copy_file, ignored
from clara_cli.ids import new_id, resolve
from clara_cli.metadata import add_metadata
from clara_cli.payloads import store
from clara_cli.payloads.locate import locate
from clara_cli.payloads.model import Payload, PayloadKind
from clara_cli.payloads.names import parse_name, show_name
from clara_cli.payloads.removal import finish_removal, note_removal
from clara_cli.payloads.staging import put_in_place, staged, sweep_payloads
from clara_cli.payloads.tree import PayloadTree, payload_tree
from clara_cli.payloads.upload import Meter, check_source, explained, fill
from clara_cli.payloads.walk import Entry, walk, within


@dataclass(frozen=True)
class Uploaded:
    """A payload and the number of files that were copied into it."""

    payload: Payload
    tree: PayloadTree
    count: int


def create_payload(
    database: Database, source: Path | None, metadata: Mapping[str, str], meter: Meter | None = None
) -> Uploaded:
    """Make a reusable payload with a copy of `source` (a file, or a folder's children); whole or not at all.

    Raises:
        PayloadError: the source cannot be read or stored.
        UsageError: the metadata is against the rules.
    """
    payload_id = new_id()
    tree = payload_tree(database.root, payload_id)
    if source is not None:
        check_source(database.root, source)
    sweep_payloads(database)
    with staged(database.root.payloads, payload_id) as aside:
        count = fill(aside, source, meter) if source is not None else 0
        with database.write() as connection:
            store.insert_payload(connection, payload_id)
            add_metadata(connection, payload_id, metadata)
            put_in_place(aside, tree.path)
    with database.read() as connection:
        return Uploaded(store.find_payload(connection, payload_id), tree, count)


def find_payload(database: Database, text: str) -> Payload:
    """The payload with that id or unique prefix, or the one of the job with it; NotFound otherwise."""
    with database.read() as connection:
        try:
            return store.find_payload(connection, text)
        except NotFound as unknown:
            try:
                job_id = resolve(connection, "job", text)
            except NotFound:
                raise unknown from None
            (payload_id,) = connection.execute("SELECT payload_id FROM jobs WHERE id = ?", (job_id,)).fetchone()
            return store.find_payload(connection, payload_id)


def payload_files(database: Database, payload: Payload) -> list[Entry]:
    """Its files, by names below its top, and what else lies there, with its fault.

    Raises:
        PayloadError: its folder is gone or cannot be read.
    """
    tree = payload_tree(database.root, payload.id)
    try:
        return list(walk(tree.path))
    except OSError as error:
        raise PayloadError(
            f"cannot read the folder of payload {payload.id}: {error.filename}: {error.strerror}"
        ) from error


def upload_files(
    database: Database, text: str, sources: Sequence[Path], folder: str, meter: Meter | None = None, *, clobber: bool
) -> Uploaded:
    """Copy files and the content of folders into a payload that exists; each file appears whole.

    They land in a job's `input`, or in the top folder of a reusable payload.

    Args:
        folder: a folder below that, which is made if need be.
        clobber: replace files that are there; else nothing is copied if there is one.

    Raises:
        NotFound: no such payload or job.
        StateConflict: the job was started, so its payload is read-only.
        PayloadError: something cannot be read or stored, or is there already.
    """
    below = parse_name(folder)
    payload = find_payload(database, text)
    for source in sources:
        check_source(database.root, source)
    sweep_payloads(database)
    check_writable(database, payload)
    with incoming(database, payload) as aside:
        count = sum(fill(aside, source, meter) for source in sources)
        place_files(database, payload, aside, below, clobber=clobber)
    return Uploaded(payload, payload_tree(database.root, payload.id), count)


def incoming(database: Database, payload: Payload) -> AbstractContextManager[Path]:
    """A folder aside for files that are to come into a payload, removed at the end of the block."""
    return staged(database.root.payloads, f"{payload.id}-{os.urandom(4).hex()}")


def place_files(
    database: Database, payload: Payload, aside: Path, below: Sequence[str] = (), *, clobber: bool = True
) -> None:
    """Put the files that lie aside into a payload, where uploads of its kind land.

    Args:
        below: names of folders below that place.
        clobber: replace files that are there; else nothing is moved if there is one.

    Raises:
        StateConflict: the payload is read-only.
        PayloadError: its folder is gone, a file is there already, or something cannot be written.
    """
    tree = payload_tree(database.root, payload.id)
    top = Path(tree.input if payload.kind is PayloadKind.PIPELINE else tree.path, *below)
    files = [entry.name for entry in walk(aside)]
    # In one transaction with the check, so that no start comes between.
    with database.write() as connection:
        _check_writable(connection, payload)
        if not tree.path.is_dir():
            raise PayloadError(f"the folder of payload {payload.id} is gone: {tree.path}")
        there = [name for name in files if os.path.lexists(top / name)]
        if there and not clobber:
            listed = ", ".join(map(show_name, there[:12]))
            raise PayloadError(f"there already, so nothing was uploaded: {listed}")
        if folders := [name for name in there if (top / name).is_dir()]:
            raise PayloadError(f"there is a folder of that name, so nothing was uploaded: {show_name(folders[0])}")
        _move(aside, top, files, tree)


def remove_file(database: Database, text: str, name: str) -> None:
    """Remove one file of a payload.

    Raises:
        NotFound: no such payload, or no such file in it.
        StateConflict: the payload is read-only.
        PayloadError: the name leads out of the payload, or the file cannot be removed.
    """
    payload = find_payload(database, text)
    top = payload_tree(database.root, payload.id).path
    with database.write() as connection:
        _check_writable(connection, payload)
        place = locate(top, name)
        if not place.parent.resolve().is_relative_to(top.resolve()):
            raise PayloadError(f"{show_name(str(place.parent))} is a link that leads out of the payload")
        try:
            place.unlink()
        except OSError as error:
            raise PayloadError(f"cannot remove {show_name(name)}: {error.strerror}") from error


def check_writable(database: Database, payload: Payload) -> None:
    """Raise StateConflict when a payload is read-only, because its job was started."""
    with database.read() as connection:
        _check_writable(connection, payload)


def _check_writable(connection: sqlite3.Connection, payload: Payload) -> None:
    if payload.job_id is None:
        return
    state, submitted = store.job_state(connection, payload.job_id)
    if submitted or state != "PENDING":
        raise StateConflict(
            f"payload {payload.id} is read-only: its job {payload.job_id} was started",
            hint="upload into a job before it starts, or make a new one with clara create job",
        )


def _move(aside: Path, top: Path, files: Sequence[str], tree: PayloadTree) -> None:
    """Rename what was copied to where it belongs, file by file."""
    inside = os.path.realpath(tree.path)
    for name in files:
        place = top / name
        if not within(os.path.realpath(place.parent), inside):
            raise PayloadError(f"{show_name(str(place.parent))} is a link that leads out of the payload")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            (aside / name).replace(place)
        except OSError as error:
            raise PayloadError(f"cannot write {show_name(str(place))}: {error.strerror}") from error


def copy_payloads(database: Database, texts: Sequence[str], target: Path, meter: Meter | None = None) -> int:
    """Copy reusable payloads into a job's input, in the order given; returns the number of files.

    Raises:
        NotFound: no such payload.
        StateConflict: it belongs to a job.
        PayloadError: two files have one name, or something cannot be copied.
    """
    count = 0
    for text in texts:
        with database.read() as connection:
            payload = store.find_payload(connection, text)
        if payload.kind is not PayloadKind.REUSABLE:
            raise StateConflict(
                f"payload {payload.id} belongs to a job: only a reusable one can be an input",
                hint="clara create payload -f DATA makes one",
            )
        tree = payload_tree(database.root, payload.id)
        entries = payload_files(database, payload)
        faulty = next((entry for entry in entries if entry.fault), None)
        if faulty:
            raise PayloadError(f"/{show_name(faulty.name)} in payload {payload.id} cannot be copied: {faulty.fault}")
        if meter is not None:
            meter.expect(sum(entry.size for entry in entries))
        for entry in entries:
            place = target / entry.name
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                copy_file(tree.path / entry.name, place, meter.advance if meter is not None else ignored)
                count += 1
            except (FileExistsError, NotADirectoryError) as error:
                raise PayloadError(
                    f"two inputs have a file /input/{show_name(entry.name)}; the second is of payload {payload.id}"
                ) from error
            except OSError as error:
                raise explained(error, str(tree.path / entry.name), str(place)) from error
    return count


def delete_payloads(database: Database, texts: Sequence[str]) -> list[Payload]:
    """Remove payloads and their files, all or none.

    Raises:
        NotFound: no such payload.
        StateConflict: its job has not ended.
        PayloadError: they are deleted, but a folder cannot be removed.
    """
    with database.read() as connection:
        known = [store.find_payload(connection, text) for text in texts]
    found = list({payload.id: payload for payload in known}.values())
    with database.write() as connection:
        for payload in found:
            state = store.job_state(connection, payload.job_id)[0] if payload.job_id else "STOPPED"
            if state != "STOPPED":
                raise StateConflict(
                    f"payload {payload.id} belongs to job {payload.job_id}, which has not ended",
                    hint="clara delete job removes a job together with its payload",
                )
            store.delete_payload(connection, payload.id)
            note_removal(connection, database.root.path, database.root.payloads / payload.id)
    finish_removal(database)
    return found
