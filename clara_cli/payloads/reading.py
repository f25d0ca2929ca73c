"""Reading files of a payload where they are, whatever operators left there."""

from __future__ import annotations

import os
from io import FileIO

from clara_cli.database import Database
from clara_cli.errors import NotFound, PayloadError
from clara_cli.filecopy import NotRegular
from clara_cli.payloads.actions import find_payload
from clara_cli.payloads.locate import locate
from clara_cli.payloads.names import show_name
from clara_cli.payloads.tree import payload_tree
from clara_cli.payloads.walk import open_inside


def open_file(database: Database, payload_id: str, name: str) -> FileIO:
    """A file of a payload, for reading; closed with the object, whoever has it then.

    Raises:
        NotFound: no such payload, or no such file in it.
        PayloadError: the name leads out of the payload, or the file cannot be read.
    """
    top = payload_tree(database.root, find_payload(database, payload_id).id).path
    place = locate(top, name)
    try:
        return FileIO(open_inside(str(place), os.path.realpath(top)))
    except NotRegular as error:
        raise NotFound(f"{show_name(name)} is no file to download: it is {error.kind}", kind="file") from error
    except OSError as error:
        raise PayloadError(f"cannot read {show_name(name)}: {error.strerror}") from error
