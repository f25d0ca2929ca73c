"""Where a platform on another machine is reached. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from clara_cli.addresses import parse_address

DEFAULT_PORT = 30031


class PlatformAddress(NamedTuple):
    """`target` is `host:port`; `secure` asks for TLS."""

    target: str
    secure: bool = False

    def __str__(self) -> str:
        return self.target


def platform_at(text: str, port: int | None = None) -> PlatformAddress:
    """The address that `HOST`, `HOST:PORT`, or either as a URL means; `https://` asks for TLS.

    Args:
        port: where the text has none.

    Raises:
        ValueError: it is none.
    """
    import ipaddress

    bare = re.sub(r"^[a-z][a-z0-9+.-]*://|/$", "", text.strip())
    try:
        if ipaddress.ip_address(bare).version == 6:
            bare = f"[{bare}]"
    except ValueError:
        pass
    return PlatformAddress(parse_address(bare, port or DEFAULT_PORT), text.strip().startswith("https://"))


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, which nobody else can listen to."""
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
