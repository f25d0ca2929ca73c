"""Names of files in addresses: any bytes but NUL, line ends too. A route takes one as `{path:file}`."""

from __future__ import annotations

import os
from urllib.parse import quote, unquote_to_bytes

from fastapi import Request
from starlette.convertors import PathConvertor, register_url_convertor


class FileConvertor(PathConvertor):
    """As Starlette's `path`, which ends at a line end."""

    regex = r"[\s\S]*"


register_url_convertor("file", FileConvertor())


def name_after(request: Request, mark: str) -> str:
    """The rest of a request's path as the name of a file; what the path parameter holds may not be its bytes."""
    path: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return os.fsdecode(unquote_to_bytes(path.partition(b"?")[0].partition(mark.encode())[2]))
