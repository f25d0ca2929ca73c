"""Step 1: the array as a FastIO variable."""

import os

import clara
import numpy as np


def execute(driver: clara.Driver, payload: clara.Payload) -> None:
    volume = payload.fastio_output_entries["volume"]
    volume.update_shape(int(os.environ["PEERS_BYTES"]))
    volume.array[:] = np.uint8(1)


driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
