"""Fills the array `volume` and prints when it did what (seconds of the monotonic clock, as JSON)."""

import json
import os
import time

import clara
import numpy as np

SIZE = int(os.environ["BENCHMARK_BYTES"])
marks: dict[str, float] = {}


def execute(driver: clara.Driver, payload: clara.Payload) -> None:
    marks["begun"] = time.clock_gettime(time.CLOCK_MONOTONIC)
    volume = payload.fastio_output_entries["volume"]
    volume.update_shape(SIZE)
    array = volume.array
    marks["allocated"] = time.clock_gettime(time.CLOCK_MONOTONIC)
    array[:] = np.uint8(1)
    marks["filled"] = time.clock_gettime(time.CLOCK_MONOTONIC)


driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
marks["ending"] = time.clock_gettime(time.CLOCK_MONOTONIC)
print(json.dumps(marks), flush=True)
