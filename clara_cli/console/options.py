"""Where and for whom the console listens."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from clara_cli.errors import ConfigError, UsageError

DEFAULT_PORT = 32002
_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Options:
    """What `clara console start` was given.

    Attributes:
        host: the address listened on, loopback by default.
        port: 0 is any free port.
        token_file: holds the token that people sign in with; without it nobody has to.
        insecure: listen beyond loopback without a token.
        allowed: further names under which browsers may reach the console.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token_file: Path | None = None
    insecure: bool = False
    allowed: tuple[str, ...] = ()

    @property
    def loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def addresses(self) -> list[str]:
        """What is typed into a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return [f"http://{host}:{self.port}"]

    def checked(self) -> Options:
        """The options with absolute paths.

        Raises:
            UsageError: they do not fit together.
            ConfigError: the token cannot be used.
        """
        if not self.loopback and self.token_file is None and not self.insecure:
            raise UsageError(
                f"{self.host} can be reached from other machines: give --token-file with a token that people sign in "
                "with, or --insecure, if everybody there may see all jobs and start programs as you"
            )
        file = self.token_file and self.token_file.expanduser().absolute()
        found = replace(self, token_file=file, allowed=tuple(name.lower() for name in self.allowed))
        found.token()
        return found

    def token(self) -> str | None:
        """What people sign in with; None when nobody has to.

        Raises:
            ConfigError: the file cannot be read, can be read by others, or holds no token.
        """
        if self.token_file is None:
            return None
        try:
            mode = self.token_file.stat().st_mode
            text = self.token_file.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(f"cannot read the token in {self.token_file}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise ConfigError(f"{self.token_file} holds no token: it is no UTF-8 text") from None
        if mode & 0o077:
            raise ConfigError(f"others can read the token in {self.token_file}", f"chmod 600 {self.token_file}")
        if len(text) < _SHORTEST_TOKEN or not text.isprintable() or " " in text:
            raise ConfigError(
                f"{self.token_file} holds no token: expected one word of at least {_SHORTEST_TOKEN} characters",
                f"(umask 077; openssl rand -hex 24 > {self.token_file}) makes one",
            )
        return text

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Options:
        values = json.loads(text)
        file = Path(values["token_file"]) if values["token_file"] else None
        return cls(values["host"], values["port"], file, values["insecure"], tuple(values["allowed"]))
