"""Triton inference servers: which variables tell an operator where one is, and which services are one."""

from __future__ import annotations

from clara_cli.addresses import GRPC_PORT, HTTP_PORT, Triton
from clara_cli.pipelines.model import Connection, Service

HTTP_VARIABLES = ("NVIDIA_TRITON_HTTPURI", "CLARA_TRITON_URI", "NVIDIA_CLARA_TRTISURI")
GRPC_VARIABLES = ("NVIDIA_TRITON_GRPCURI",)
# Its names over the years, in services and images: trtis, trtserver, tensorrtserver, tritonserver.
_NAMES = ("trtis", "trtserver", "tensorrtserver", "tensorrt-server", "tensorrt-inference-server", "triton")


def triton_variables(server: Triton) -> dict[str, str]:
    """What an operator that lists models gets."""
    return {**dict.fromkeys(HTTP_VARIABLES, server.http), **dict.fromkeys(GRPC_VARIABLES, server.grpc)}


def is_triton(service: Service) -> bool:
    """Whether a service is a Triton server: by its name, its image's, or the variable that tells its address."""
    named = f"{service.name} {service.image.rpartition('/')[2]}".casefold()
    known = {*HTTP_VARIABLES, *GRPC_VARIABLES}
    return any(name in named for name in _NAMES) or any(item.name in known for item in service.connections)


def side_of(connection: Connection, server: Triton) -> str:
    """The address that stands for one connection of a Triton service."""
    if connection.name in GRPC_VARIABLES or (connection.name not in HTTP_VARIABLES and connection.port == GRPC_PORT):
        return server.grpc
    return server.http


def server_of(addresses: dict[Connection, str]) -> Triton | None:
    """The server behind the connections of a Triton service; None when none of them is a port."""
    ports = {item: address for item, address in addresses.items() if item.kind == "http"}
    if not ports:
        return None
    grpc = [a for item, a in ports.items() if item.port == GRPC_PORT or item.name in GRPC_VARIABLES]
    http = [a for item, a in ports.items() if item.port == HTTP_PORT or item.name in HTTP_VARIABLES]
    http += [address for address in ports.values() if address not in grpc] or list(ports.values())
    return Triton(http[0], grpc[0] if grpc else f"{http[0].rpartition(':')[0]}:{GRPC_PORT}")
