"""Payloads of a root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from clara_cli.database import Database
    from clara_cli.payloads.download import Downloaded, Selection
    from clara_cli.payloads.model import Payload
    from clara_cli.payloads.upload import Meter
    from clara_cli.payloads.walk import Entry
    from clara_cli.site.model import CreatedPayload, DescribedPayload


class LocalPayloads:
    """The `Payloads` of a `LocalSite`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, source: Path | None, metadata: Mapping[str, str], meter: Meter | None) -> CreatedPayload:
        from clara_cli.payloads.actions import create_payload
        from clara_cli.site.model import CreatedPayload

        made = create_payload(self._database, source, metadata, meter)
        folder = None if self._database.root.documented else str(made.tree.path)
        return CreatedPayload(made.payload.id, made.count, folder)

    def list(self) -> Sequence[Payload]:
        from clara_cli.payloads import store

        with self._database.read() as connection:
            return store.list_payloads(connection)

    def find(self, text: str) -> Payload:
        from clara_cli.payloads.actions import find_payload

        return find_payload(self._database, text)

    def describe(self, payload: Payload) -> DescribedPayload:
        from clara_cli.payloads.actions import payload_files
        from clara_cli.payloads.tree import payload_tree
        from clara_cli.site.model import DescribedPayload

        entries = tuple(payload_files(self._database, payload))
        return DescribedPayload(payload, entries, str(payload_tree(self._database.root, payload.id).path))

    def upload(self, text: str, sources: Sequence[Path], folder: str, meter: Meter | None, *, clobber: bool) -> int:
        from clara_cli.payloads.actions import upload_files

        return upload_files(self._database, text, sources, folder, meter, clobber=clobber).count

    def files(self, reference: str) -> LocalFiles:
        from clara_cli.jobs.files import find_files

        found = find_files(self._database, reference)
        return LocalFiles(found.selection, found.notice)

    def results(self, job_id: str, operator: str) -> LocalFiles | None:
        from clara_cli.jobs.actions import find_job
        from clara_cli.jobs.results import results

        ((_, selection),) = results(find_job(self._database, job_id), [operator])
        return LocalFiles(selection, None) if selection is not None else None

    def delete(self, texts: Sequence[str]) -> Sequence[Payload]:
        from clara_cli.payloads.actions import delete_payloads

        return delete_payloads(self._database, texts)


@dataclass(frozen=True)
class LocalFiles:
    """Files of a payload on this machine."""

    selection: Selection
    notice: str | None

    @property
    def left_out(self) -> Sequence[Entry]:
        return self.selection.left_out

    def download(self, destination: str, meter: Meter | None, *, clobber: bool = True) -> Downloaded:
        from clara_cli.payloads.download import download

        return download(self.selection, destination, meter, clobber=clobber)
