"""Addresses of servers: `host:port` without a scheme, because operators split them at the colon."""

from __future__ import annotations

import re
from typing import NamedTuple

# A name, an IPv4 address, or an IPv6 address in brackets; a port.
_HOST = r"\[[0-9A-Fa-f:.]+\]|[\w.-]+"
_ADDRESS = rf"(?:[a-z][a-z0-9+.-]*://)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?/?"
HTTP_PORT = 8000
GRPC_PORT = 8001


class Triton(NamedTuple):
    """Where a Triton inference server listens, each as `host:port`."""

    http: str
    grpc: str


def parse_address(text: str, port: int | None = None) -> str:
    """`host:port`, from text that may begin with a scheme, and may lack the port when there is a usual one.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(_ADDRESS, text.strip(), re.ASCII)
    if found is None or not (found["port"] or port) or int(found["port"] or 1) > 65535:
        ports = f"[:PORT], with {port} where no port is said" if port else ":PORT"
        raise ValueError(f"'{text}' is no address; expected HOST{ports}, the port a number from 1 to 65535")
    return f"{found['host']}:{int(found['port'] or port or 0)}"


def triton_at(host: str) -> Triton:
    """The server of a host, `host` or `host:port` of its HTTP side, at its usual ports."""
    http = parse_address(host, HTTP_PORT)
    return Triton(http, f"{http.rpartition(':')[0]}:{GRPC_PORT}")
