"""Values as people read them: filters of the templates. Times become `<time>`, which a script shows in the zone of
whoever looks; without it they are UTC."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from clara_cli.output import utc
from clara_cli.payloads.names import show_name
from clara_cli.quantities import show_size
from clara_cli.runtime.process import exit_text

_STATES = {
    ("PENDING", "HEALTHY"): "pending",
    ("RUNNING", "HEALTHY"): "running",
    ("STOPPED", "HEALTHY"): "succeeded",
    ("STOPPED", "FAULTED"): "failed",
    ("STOPPED", "CANCELED"): "cancelled",
    ("STOPPED", "EVICTED"): "evicted",
    ("STOPPED", "TERMINATED"): "terminated",
}


def moment(seconds: float | None, none: str = "–") -> Markup:
    """A point in time."""
    if seconds is None:
        return Markup('<span class="quiet">{}</span>').format(none)
    text = utc(seconds) or ""
    shown = f"{text[:10]} {text[11:16]} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, text, shown)


def clock(seconds: float | None) -> Markup:
    """A point in time to the second, of a day that is told elsewhere."""
    if seconds is None:
        return Markup('<span class="quiet">–</span>')
    text = utc(seconds) or ""
    return Markup('<time datetime="{}" title="{}" data-clock>{}</time>').format(text, text, f"{text[11:19]} UTC")


def duration(seconds: float | None) -> str:
    """How long something took: `0:09`, `1:02:03`; below ten seconds with tenths."""
    if seconds is None:
        return "–"
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def took(started: float | None, stopped: float | None) -> Markup:
    """How long it took, or has taken so far: then a script counts on."""
    if started is None:
        return Markup('<span class="quiet">–</span>')
    if stopped is not None:
        return Markup("<span>{}</span>").format(duration(stopped - started))
    return Markup('<span data-since="{}">{}</span>').format(f"{started:.3f}", duration(time.time() - started))


def state_word(job: Any) -> str:
    """One word for state and status of a job: also the name of its colour."""
    word = _STATES[job.state.value, job.status.value]
    return "waiting" if word == "pending" and job.submitted is not None else word


def size(value: int | None) -> str:
    return "–" if value is None else show_size(value)


def url_name(name: str) -> str:
    """The name of a file, which may be any bytes, as a part of an address."""
    return quote(os.fsencode(name))


def short(identity: str) -> str:
    """The first digits of an id: enough for people."""
    return identity[:8]


FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "clock": clock,
    "duration": duration,
    "state_word": state_word,
    "size": size,
    "short": short,
    "show_name": show_name,
    "url_name": url_name,
    "exit_text": exit_text,
}
