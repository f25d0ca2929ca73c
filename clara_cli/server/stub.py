"""The other side: calling the methods of a service, from the same descriptors."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import ServiceDescriptorProto


class Stub:
    """The service that a module of the wire contract describes; its methods are called as the contract names them."""

    def __init__(self, channel: grpc.Channel, module: ModuleType) -> None:
        (described,) = module.DESCRIPTOR.services_by_name.values()
        proto = ServiceDescriptorProto()
        described.CopyToProto(proto)
        for method in proto.method:
            make = {
                (False, False): channel.unary_unary,
                (False, True): channel.unary_stream,
                (True, False): channel.stream_unary,
            }[method.client_streaming, method.server_streaming]
            request, response = (
                getattr(module, name.rpartition(".")[2]) for name in (method.input_type, method.output_type)
            )
            call = make(f"/{described.full_name}/{method.name}", request.SerializeToString, response.FromString)
            setattr(self, method.name, call)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the service has no method {name}")
