"""The file of a token: what is taken from it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from clara_cli.errors import ConfigError
from clara_cli.server.token import read_token


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("content", [b"0123456789abcdef", b" 0123456789abcdef\r\n", b"\n0123456789abcdef"])
def test_one_word_is_the_token(tmp_path: Path, content: bytes) -> None:
    assert read_token(write(tmp_path / "token", content, 0o400)) == b"0123456789abcdef"


@pytest.mark.parametrize("content", [b"", b"\n", b"too short", b"two words of sixteen", b"x" * 4097, b"\xff" * 20])
def test_what_is_no_token(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="holds no token") as refused:
        read_token(write(tmp_path / "token", content))
    assert "openssl rand" in (refused.value.hint or "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_that_is_open_to_others(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match=f"open to other users .mode {mode:o}"):
        read_token(write(tmp_path / "token", b"0123456789abcdef", mode))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the token"):
        read_token(tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot read the token"):
        read_token(tmp_path)
