"""Signing in, and the token by which a change is known to come from the console's own pages. Pure."""

from __future__ import annotations

import hashlib
import hmac
import os
import time

# Seconds that a sign-in lasts.
LIFETIME = 12 * 3600
COOKIE = "clara_console"


class Sessions:
    """Signs cookies; nothing is kept.

    Args:
        secret: known to nobody else.
        token: what people sign in with; None when nobody has to.
    """

    def __init__(self, secret: bytes, token: str | None) -> None:
        # Another token ends all sessions of the old one.
        self._key = hashlib.blake2b((token or "").encode(), key=secret).digest()
        self._token = token

    @property
    def needed(self) -> bool:
        """Whether people have to sign in."""
        return self._token is not None

    def fits(self, token: str) -> bool:
        """Whether this is the token."""
        return self._token is not None and hmac.compare_digest(token.strip().encode(), self._token.encode())

    def cookie(self) -> str:
        """A new session."""
        value = f"{int(time.time()) + LIFETIME}.{os.urandom(12).hex()}"
        return f"{value}.{self._sign('session', value)}"

    def valid(self, cookie: str | None) -> bool:
        """Whether a cookie is of a session that has not ended."""
        if not cookie or cookie.count(".") != 2:
            return False
        value, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", value).encode()):
            return False
        return int(value.partition(".")[0]) > time.time()

    def form_token(self, cookie: str | None) -> str:
        """What a page of this session has to send with a change."""
        return self._sign("form", cookie if self.needed and cookie else "")

    def fits_form(self, given: str, cookie: str | None) -> bool:
        return hmac.compare_digest(given.encode(), self.form_token(cookie).encode())

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
