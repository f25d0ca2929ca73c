"""Reads one element of each page of the array `volume` and prints when it did what.

If it has the output `done`, that says to the next consumer of a chain that it may begin.
"""

import json
import mmap
import time

import clara
import numpy as np

marks: dict[str, float] = {}


def execute(driver: clara.Driver, payload: clara.Payload) -> bool:
    marks["called"] = time.clock_gettime(time.CLOCK_MONOTONIC)
    array = payload.fastio_input_entries["volume"].array
    marks["view"] = time.clock_gettime(time.CLOCK_MONOTONIC)
    pages = array[:: mmap.PAGESIZE]
    total = int(pages.sum(dtype=np.int64))
    marks["read"] = time.clock_gettime(time.CLOCK_MONOTONIC)
    if "done" in payload.fastio_output_entries:
        payload.fastio_output_entries["done"].array[0] = 1
    return total == len(pages)


driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
print(json.dumps(marks), flush=True)
