"""Signing, and forms as they arrive in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.console.options import Options
from clara_cli.console.sending import attachment
from clara_cli.console.sessions import Sessions
from clara_cli.console.uploads import Form, boundary_of
from clara_cli.errors import UsageError


def read(body: bytes, size: int) -> tuple[dict[str, str], dict[str, bytes]]:
    """Fields and files of a form that arrives in pieces of so many bytes."""
    form = Form(b"b")
    files: dict[str, bytes] = {}

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def collect() -> None:
        async for name, piece in form.files(pieces()):
            files[name] = files.get(name, b"") + piece

    asyncio.run(collect())
    return form.fields, files


def part(name: str, content: bytes, file: str | None = None) -> bytes:
    more = "" if file is None else f'; filename="{file}"'
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"


@given(st.binary(max_size=2000), st.integers(1, 64))
def test_a_form_in_any_pieces(content: bytes, size: int) -> None:
    body = part("name", "né".encode()) + part("file", content, "deep/é.bin") + part("file", b"", "empty") + b"--b--\r\n"
    if b"\r\n--b" in content:
        return
    assert read(body, size) == ({"name": "né"}, {"deep/é.bin": content, "empty": b""})


def test_what_browsers_write_for_odd_names() -> None:
    body = part("file", b"x", "a%22b%0D%0Ac\\d;e.txt") + part("file", b"", "") + b"--b--\r\n"
    assert read(body, 7) == ({}, {'a"b\r\nc\\d;e.txt': b"x"})


def test_a_field_has_its_bounds() -> None:
    with pytest.raises(UsageError, match="too long"):
        read(part("name", b"x" * 70_000) + b"--b--\r\n", 1000)
    with pytest.raises(UsageError, match="more than 256 fields"):
        read(b"".join(part(f"n{number}", b"") for number in range(300)) + b"--b--\r\n", 1000)
    with pytest.raises(UsageError, match="did not arrive whole"):
        read(part("name", b"x"), 1000)


def test_only_such_forms() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
    for other in ("", "text/plain", "multipart/mixed; boundary=b", "multipart/form-data", "application/json"):
        with pytest.raises(UsageError):
            boundary_of(other)


def test_sessions_end_and_cannot_be_forged(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(b"secret", "a-long-enough-token")
    cookie = sessions.cookie()
    assert sessions.valid(cookie)
    value, _, signature = cookie.rpartition(".")
    later = f"{int(value.partition('.')[0]) + 1}.{value.partition('.')[2]}"
    for forged in (None, "", "..", f"{later}.{signature}", f"{value}.", "1.2.3.4", f"{value}.é"):
        assert not sessions.valid(forged)
    assert not Sessions(b"secret", "another-long-token").valid(cookie)
    assert not Sessions(b"another", "a-long-enough-token").valid(cookie)
    assert sessions.form_token(cookie) != sessions.form_token(sessions.cookie())
    assert sessions.fits_form(sessions.form_token(cookie), cookie)
    assert not sessions.fits_form(sessions.form_token(None), cookie)
    monkeypatch.setattr("time.time", lambda: 1e12)
    assert not sessions.valid(cookie)


def test_which_addresses_are_loopback() -> None:
    for host, inside in (
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.example", False),
    ):
        assert Options(host).loopback == inside
    with pytest.raises(UsageError, match="--token-file"):
        Options("0.0.0.0").checked()
    assert Options("::1", 5).addresses() == ["http://[::1]:5"]
    options = Options("0.0.0.0", 1, None, True, ("a", "b"))
    assert Options.from_json(options.to_json()) == options


@given(st.text(min_size=1))
def test_a_file_is_saved_under_a_harmless_header(name: str) -> None:
    header = attachment(name)
    assert header.isascii() and header.isprintable() and header.count('"') == 2 and "/" not in header
