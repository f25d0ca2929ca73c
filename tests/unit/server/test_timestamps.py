"""Times on the wire, against the pair that NVIDIA's own tests have."""

from __future__ import annotations

from datetime import datetime, timezone

from clara_cli.server.timestamps import from_job_time, gpu_time, job_time, text_time

MOMENT = datetime(2021, 3, 8, 18, 6, 31, tzinfo=timezone.utc).timestamp()


def test_jobs_count_from_the_year_one() -> None:
    stamp = job_time(MOMENT + 0.9)
    assert stamp is not None and stamp.value == 63750823591
    assert from_job_time(stamp) == MOMENT
    assert job_time(None) is None


def test_gpu_metrics_count_from_the_year_zero() -> None:
    # What NVIDIA's client takes off again.
    assert gpu_time(MOMENT).value - 62167219200 == MOMENT


def test_the_text_form() -> None:
    assert text_time(MOMENT) == "2021-03-08 18:06:31Z"
    assert text_time(None) == ""
