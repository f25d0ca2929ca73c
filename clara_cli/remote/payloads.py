"""Payloads of a platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from clara_cli.errors import ClaraError, NotFound, PayloadError
from clara_cli.filename import file_name
from clara_cli.ids import normalise
from clara_cli.jobs.files import WithOperators, by_operator
from clara_cli.payloads.model import Payload, PayloadKind
from clara_cli.payloads.names import parse_name, show_name
from clara_cli.payloads.pattern import Pattern, parse_pattern, split_reference
from clara_cli.payloads.upload import Meter
from clara_cli.payloads.walk import Entry
from clara_cli.remote.connection import Connection, NotServed
from clara_cli.remote.download import RemoteFiles
from clara_cli.remote.identity import whole
from clara_cli.remote.selection import choose
from clara_cli.remote.upload import items, send
from clara_cli.server.records import read
from clara_cli.server.wire import commands_pb2 as own
from clara_cli.server.wire import jobs_pb2, payloads_pb2
from clara_cli.server.wire.common_pb2 import Identifier
from clara_cli.site.model import CreatedPayload, DescribedPayload


class RemotePayloads:
    """The `Payloads` of a `RemoteSite`.

    Args:
        describe_job: tells of a job and its operators.
        find_job: the whole id of a job.
    """

    def __init__(
        self,
        connection: Connection,
        describe_job: Callable[[str], WithOperators],
        find_job: Callable[[str], str],
    ) -> None:
        self._connection = connection
        self._describe_job = describe_job
        self._find_job = find_job

    def create(self, source: Path | None, metadata: Mapping[str, str], meter: Meter | None) -> CreatedPayload:
        found = items([source] if source is not None else [])
        request = payloads_pb2.PayloadsCreateRequest(metadata=metadata)
        payload_id = str(self._connection.ask(self._connection.payloads.Create, request).payload_id.value)
        try:
            send(self._connection, payload_id, found, meter, whole=False)
        except BaseException:
            self._forget(payload_id)
            raise
        return CreatedPayload(payload_id, len(found), None)

    def _forget(self, payload_id: str) -> None:
        """A payload that was not filled is of no use; where that fails too, the first error is the one to tell."""
        try:
            self._delete(payload_id)
        except ClaraError:
            pass

    def list(self) -> Sequence[Payload]:
        answers = self._connection.ask_often(self._connection.commands.ListPayloads, own.ListRequest())
        return [read(item, Payload) for answer in answers for item in answer.payloads]

    def find(self, text: str) -> Payload:
        try:
            answer = self._connection.ask(self._connection.commands.FindPayload, own.TextRequest(text=text))
            return read(answer.payloads[0], Payload)
        except NotServed:
            identity = whole(text, "payload")
            if identity is None:
                raise
            return self._published(identity)

    def _published(self, identity: str) -> Payload:
        """A payload by its id, else the one of the job with it; when it was made is not said."""
        try:
            return self._details(identity)[0]
        except NotFound as unknown:
            request = jobs_pb2.JobsStatusRequest(job_id=Identifier(value=identity))
            try:
                job = self._connection.ask(self._connection.jobs.Status, request)
            except NotFound:
                raise unknown from None
            return self._details(job.payload_id.value)[0]

    def _details(self, payload_id: str) -> tuple[Payload, Sequence[Entry]]:
        """A payload and its files, as the published calls tell of them."""
        request = payloads_pb2.PayloadsDetailsRequest(payload_id=Identifier(value=payload_id))
        answers = list(self._connection.ask_often(self._connection.payloads.Details, request))
        if not answers:
            raise NotFound(f'no payload with id "{payload_id}"', kind="payload")
        first = answers[0]
        kind = PayloadKind.PIPELINE if first.type == payloads_pb2.PAYLOAD_TYPE_PIPELINE else PayloadKind.REUSABLE
        payload = Payload(payload_id, kind, None, first.job_id.value or None, dict(first.metadata))
        files = [answer.file for answer in answers if answer.HasField("file")]
        return payload, [Entry(file.name.lstrip("/"), file.size, file.mode) for file in files if file.name]

    def describe(self, payload: Payload) -> DescribedPayload:
        request = own.TextRequest(text=payload.id)
        try:
            answers = list(self._connection.ask_often(self._connection.commands.DescribePayload, request))
        except NotServed:
            return DescribedPayload(payload, tuple(self._details(payload.id)[1]), "")
        entries = tuple(read(entry, Entry) for answer in answers for entry in answer.entries)
        return DescribedPayload(payload, entries, os.fsdecode(answers[0].folder))

    def upload(self, text: str, sources: Sequence[Path], folder: str, meter: Meter | None, *, clobber: bool) -> int:
        below = parse_name(folder)
        payload = self.find(text)
        found = items(sources, below)
        if not clobber:
            top = "input/" if payload.kind is PayloadKind.PIPELINE else ""
            there = {entry.name for entry in self._details(payload.id)[1]}
            if repeated := [item.name for item in found if f"{top}{item.name}" in there]:
                listed = ", ".join(show_name(name) for name in repeated[:12])
                raise PayloadError(f"there already, so nothing was uploaded: {listed}")
        send(self._connection, payload.id, found, meter, whole=True)
        return len(found)

    def names(self, payload_id: str) -> Sequence[str]:
        """The names of a payload's files."""
        return [entry.name for entry in self._details(payload_id)[1]]

    def files(self, reference: str) -> RemoteFiles:
        identity, path = split_reference(reference)
        pattern = parse_pattern(path)
        normalise(identity, "job")
        try:
            payload = self.find(identity)
        except NotFound:
            # A job whose payload was removed is known too; if it is none, a job is what was meant.
            job_id = self._find_job(identity)
            raise NotFound(f"the payload of job {job_id} was removed; its record and logs are kept") from None
        notice = None
        if payload.job_id is not None:
            pattern, notice = by_operator(self._describe_job(payload.job_id), pattern)
        return RemoteFiles(
            self._connection, payload.id, choose(payload.id, self._details(payload.id)[1], pattern), notice
        )

    def results(self, job_id: str, operator: str) -> RemoteFiles | None:
        payload = self.find(job_id)
        pattern = Pattern(("operators", file_name(operator)), (), folder=True)
        try:
            return RemoteFiles(self._connection, payload.id, choose(payload.id, self._details(payload.id)[1], pattern))
        except NotFound:
            return None

    def delete(self, texts: Sequence[str]) -> Sequence[Payload]:
        try:
            answer = self._connection.ask(self._connection.commands.DeletePayloads, own.TextsRequest(texts=texts))
            return [read(item, Payload) for item in answer.payloads]
        except NotServed:
            found = {payload.id: payload for payload in map(self.find, texts)}
        for payload_id in found:
            self._delete(payload_id)
        return list(found.values())

    def _delete(self, payload_id: str) -> None:
        request = payloads_pb2.PayloadsDeleteRequest(payload_id=Identifier(value=payload_id))
        self._connection.ask(self._connection.payloads.Delete, request)
