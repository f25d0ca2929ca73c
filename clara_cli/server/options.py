"""Where and how the server listens."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from clara_cli.errors import UsageError
from clara_cli.platform_address import DEFAULT_PORT


@dataclass(frozen=True)
class Options:
    """What `clara platform start` was given.

    Attributes:
        host: the address listened on: a name or an address, loopback by default.
        ports: at least one; 0 is any free port.
        certificate, key: files of the server's own certificate, PEM; without them there is no TLS.
        client_ca: file of the authority whose certificates clients must have, PEM.
        insecure: listen beyond loopback without TLS.
        token_file: file with the token that calls have to show.
    """

    host: str = "127.0.0.1"
    ports: tuple[int, ...] = (DEFAULT_PORT,)
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    insecure: bool = False
    token_file: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def trusted(self) -> bool:
        """Whether whoever connects is on this machine, has a certificate, or a token that nobody saw on the way."""
        known = self.client_ca is not None or (self.token_file is not None and self.certificate is not None)
        return self.loopback or known

    def addresses(self) -> list[str]:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return [f"{host}:{port}" for port in self.ports]

    def checked(self) -> Options:
        """The options with absolute paths.

        Raises:
            UsageError: they do not fit together.
        """
        if (self.certificate is None) != (self.key is None):
            raise UsageError("--tls-cert and --tls-key belong together: one of them is missing")
        if self.client_ca is not None and self.certificate is None:
            raise UsageError("--client-ca asks clients for certificates: it needs --tls-cert and --tls-key too")
        if not self.loopback and self.certificate is None and not self.insecure:
            raise UsageError(
                f"{self.host} can be reached from other machines: give --tls-cert and --tls-key (and --client-ca or "
                "--token-file, so that clients need a certificate or a token), or --insecure, if everybody there may "
                "start programs as you"
            )
        if repeated := {port for port in self.ports if self.ports.count(port) > 1 and port}:
            raise UsageError(f"--port {min(repeated)} is given twice")
        return replace(
            self,
            certificate=self.certificate and self.certificate.expanduser().absolute(),
            key=self.key and self.key.expanduser().absolute(),
            client_ca=self.client_ca and self.client_ca.expanduser().absolute(),
            token_file=self.token_file and self.token_file.expanduser().absolute(),
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Options:
        values = json.loads(text)
        names = ("certificate", "key", "client_ca", "token_file")
        paths = {name: Path(values[name]) if values.get(name) else None for name in names}
        ports: Sequence[int] = values["ports"]
        return cls(values["host"], tuple(ports), **paths, insecure=values["insecure"])
