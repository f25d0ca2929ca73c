"""Where a platform on another machine is reached, and how it and its callers know each other. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from clara_cli.addresses import parse_address

DEFAULT_PORT = 30031


@dataclass(frozen=True)
class ClientTls:
    """Files, PEM.

    Attributes:
        ca: certificates of the authorities that the platform's own is to be of; None for those of the system.
        cert, key: what the platform is shown, if it asks.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


NO_TLS = ClientTls()


@dataclass(frozen=True)
class PlatformAddress:
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
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://|/$", "", text.strip())
    try:
        if ipaddress.ip_address(bare).version == 6:
            bare = f"[{bare}]"
    except ValueError:
        pass
    return PlatformAddress(parse_address(bare, port or DEFAULT_PORT), text.strip().startswith("https://"))
