"""The drills in short; by hand they run longer: see their modules."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from drills.crowd import crowd_drill
from drills.kill import kill_drill

pytestmark = pytest.mark.e2e


def test_kill(tmp_path: Path) -> None:
    report = kill_drill(tmp_path / "drill", 10, random.randrange(1 << 32))
    assert not report.leftovers, str(report)
    assert report.rounds == 10


def test_crowd(tmp_path: Path) -> None:
    report = crowd_drill(tmp_path / "drill", 10, 32, random.randrange(1 << 32))
    assert not report.faults, str(report)
    assert report.created > 10
