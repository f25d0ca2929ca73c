"""How long the payloads of ended jobs are kept. Pure."""

from __future__ import annotations

from typing import NamedTuple

# Jobs that did not end well are kept this many times as long, where nothing else is said.
FAILED_FACTOR = 4


class Retention(NamedTuple):
    """What is kept. None is no limit.

    Attributes:
        older_than: seconds since the end of a job that ended well.
        failed_older_than: the same for the others.
        max_size: bytes that the payloads of ended jobs may take on the disk together.
    """

    older_than: float | None = None
    failed_older_than: float | None = None
    max_size: int | None = None

    @classmethod
    def of(cls, older_than: float | None, failed_older_than: float | None, max_size: int | None) -> Retention:
        """Limits with the default for jobs that did not end well."""
        if failed_older_than is None and older_than is not None:
            failed_older_than = FAILED_FACTOR * older_than
        return cls(older_than, failed_older_than, max_size)


NO_LIMIT = Retention()
