"""What the packets on the job socket mean: one method per row of the table in `docs/architecture.md`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clara_cli.errors import ClaraError
from clara_cli.fastio.wire import PAGE
from clara_cli.payloads.tree import PayloadTree
from clara_cli.pipelines.model import Input, Operator, Output, Pipeline
from clara_cli.runtime.job_socket import Peer
from clara_cli.runtime.resources import Refused, Resources
from clara_cli.runtime.variables import Variables

Answer = tuple[dict[str, Any], tuple[int, ...]]


@dataclass(frozen=True)
class Desk:
    """Answers requests from what the runner knows.

    Attributes:
        on_wait: called when an operator waits for its inputs; the runner answers with `ready` when they are.
        on_cancel: called with a reason when somebody asks for the job's end.
        mounted: which operators have mounts, and so their folders at the declared paths.
    """

    job_id: str
    job_name: str
    pipeline: Pipeline
    tree: PayloadTree
    variables: Variables
    resources: Resources
    on_wait: Callable[[Peer], None]
    on_cancel: Callable[[str], None]
    mounted: Mapping[str, bool] = field(default_factory=dict)

    def answer(self, peer: Peer, request: dict[str, Any]) -> None:
        """Answer one request, except `wait`, whose answer comes later."""
        try:
            name = request.get("op")
            if name == "wait":
                self._operator(peer)
                self.on_wait(peer)
                return
            handler = _HANDLERS.get(str(name))
            if handler is None:
                raise Refused("value", f'there is no request "{name}"')
            values, descriptors = handler(self, peer, request)
        except Refused as refusal:
            peer.reply({"ok": False, "kind": refusal.kind, "error": str(refusal)})
        except ClaraError as error:
            peer.reply({"ok": False, "kind": "value", "error": error.message})
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            peer.reply({"ok": False, "kind": "value", "error": f"malformed request: {error!r}"})
        else:
            peer.reply({"ok": True, **values}, descriptors)

    def ready(self, peer: Peer) -> None:
        """Answer an operator's `wait`: the shapes of its inputs, None for folders and what has no size."""
        shapes = [self.variables.source(item).shape if item.fastio else None for item in self._operator(peer).inputs]
        peer.reply({"ok": True, "shapes": shapes})

    def leave(self, peer: Peer) -> None:
        """The connection ended."""
        self.resources.leave(peer)

    def _operator(self, peer: Peer) -> Operator:
        if peer.stage is None:
            raise Refused("state", "say hello first")
        return self.pipeline.operator(peer.stage)

    def hello(self, peer: Peer, request: dict[str, Any]) -> Answer:
        stage = str(request["stage"])
        if stage not in (operator.name for operator in self.pipeline.operators):
            raise Refused("key", f'this job has no operator "{stage}"')
        peer.stage = stage
        operator = self.pipeline.operator(stage)
        inputs = [self._input_entry(stage, item) for item in operator.inputs]
        outputs = [self._output_entry(stage, item) for item in operator.outputs]
        names = {"job_id": self.job_id, "job_name": self.job_name, "stage": stage}
        return {**names, "inputs": inputs, "outputs": outputs}, ()

    def shape(self, peer: Peer, request: dict[str, Any]) -> Answer:
        operator = self._operator(peer)
        output = operator.outputs[int(request["output"])]
        if output.fastio is None:
            raise Refused("value", f'output "{output.name}" is not a FastIO variable')
        self.variables.allocate(operator.name, output.name, tuple(int(size) for size in request["shape"]))
        return {}, ()

    def descriptor(self, peer: Peer, request: dict[str, Any]) -> Answer:
        operator, index = self._operator(peer), int(request["index"])
        if request["side"] == "inputs":
            number = self.variables.source(operator.inputs[index]).segment.readonly
        else:
            number = self.variables.output(operator.name, operator.outputs[index].name).segment.writable
        if number is None:
            raise Refused("state", "this variable is closed already")
        return {}, (number,)

    def create(self, peer: Peer, request: dict[str, Any]) -> Answer:
        number, resource = self.resources.create(peer, int(request["size"]))
        return {"id": number}, _writable(resource.segment.writable)

    def get(self, peer: Peer, request: dict[str, Any]) -> Answer:
        number, resource = self.resources.get(peer, str(request["name"]))
        return {"id": number, **resource.metadata()}, _writable(resource.segment.writable)

    def publish(self, peer: Peer, request: dict[str, Any]) -> Answer:
        self.resources.publish(peer, int(request["id"]), str(request["name"]))
        return {}, ()

    def describe(self, peer: Peer, request: dict[str, Any]) -> Answer:
        resource = self.resources.held(peer, int(request["id"]))
        resource.element_type = str(request["element_type"])
        resource.dimensions = [int(size) for size in request["dimensions"]]
        return {}, ()

    def metadata(self, peer: Peer, request: dict[str, Any]) -> Answer:
        return self.resources.held(peer, int(request["id"])).metadata(), ()

    def map(self, peer: Peer, request: dict[str, Any]) -> Answer:
        self.resources.map(peer, int(request["id"]), bool(request["write"]))
        return {}, ()

    def unmap(self, peer: Peer, request: dict[str, Any]) -> Answer:
        self.resources.unmap(peer, int(request["id"]), bool(request["write"]))
        return {}, ()

    def release(self, peer: Peer, request: dict[str, Any]) -> Answer:
        self.resources.release(peer, int(request["id"]))
        return {}, ()

    def free(self, peer: Peer, request: dict[str, Any]) -> Answer:
        self.resources.free(peer, int(request["id"]))
        return {}, ()

    def observe(self, peer: Peer, request: dict[str, Any]) -> Answer:
        first = int(request.get("first", 0))
        every = self.variables.observable()
        found = every[first : first + PAGE]
        listed = [
            {"operator": v.operator, "name": v.name, "element_type": v.type.element_type, "shape": v.shape}
            for v in found
        ]
        more = first + PAGE < len(every)
        return {"variables": listed, "more": more}, tuple(
            v.segment.readonly for v in found if v.segment.readonly is not None
        )

    def cancel(self, peer: Peer, request: dict[str, Any]) -> Answer:
        self.on_cancel(str(request.get("reason") or "cancelled"))
        return {}, ()

    def _input_entry(self, operator: str, item: Input) -> dict[str, Any]:
        if item.fastio is None:
            path = item.path if self.mounted.get(operator) else str(self.tree.input_folder(item))
            return {"kind": "stream", "name": item.name, "path": path}
        segment = self.variables.source(item).segment
        return _variable_entry(item, segment.readonly, segment.inode)

    def _output_entry(self, operator: str, item: Output) -> dict[str, Any]:
        if item.fastio is None:
            path = item.path if self.mounted.get(operator) else str(self.tree.output_folder(operator, item))
            return {"kind": "stream", "name": item.name, "path": path}
        segment = self.variables.output(operator, item.name).segment
        return _variable_entry(item, segment.writable, segment.inode)


_HANDLERS: dict[str, Callable[[Desk, Peer, dict[str, Any]], Answer]] = {
    "hello": Desk.hello,
    "shape": Desk.shape,
    "descriptor": Desk.descriptor,
    "create": Desk.create,
    "get": Desk.get,
    "publish": Desk.publish,
    "describe": Desk.describe,
    "metadata": Desk.metadata,
    "map": Desk.map,
    "unmap": Desk.unmap,
    "release": Desk.release,
    "free": Desk.free,
    "observe": Desk.observe,
    "cancel": Desk.cancel,
}


def _variable_entry(item: Input | Output, descriptor: int | None, inode: int) -> dict[str, Any]:
    assert item.fastio is not None
    return {
        "kind": "fastio",
        "name": item.name,
        "string": item.fastio.string,
        "element_type": item.fastio.element_type,
        "shape": list(item.fastio.shape),
        "fd": descriptor,
        "inode": inode,
    }


def _writable(descriptor: int | None) -> tuple[int, ...]:
    if descriptor is None:
        raise Refused("state", "this resource is closed already")
    return (descriptor,)
