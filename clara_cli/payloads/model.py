"""What is known of a payload, beside its files."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple


class PayloadKind(str, Enum):
    """PIPELINE: made with a job, for its inputs and outputs. REUSABLE: stands alone, an input for many jobs."""

    PIPELINE = "PIPELINE"
    REUSABLE = "REUSABLE"

    @property
    def wire(self) -> str:
        return f"PAYLOAD_TYPE_{self.value}"


class Payload(NamedTuple):
    """One payload; `created` in seconds since 1970, UTC, None where a platform does not say.

    Attributes:
        job_id: the job it was made with; None for a reusable one, and when the job was deleted without it.
        metadata: of a reusable one.
    """

    id: str
    kind: PayloadKind
    created: float | None
    job_id: str | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
