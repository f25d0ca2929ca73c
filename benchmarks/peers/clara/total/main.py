"""Step 3: reads it all and fails if it is not what it must be."""

import clara
import numpy as np


def execute(driver: clara.Driver, payload: clara.Payload) -> bool:
    array = payload.fastio_input_entries["sum"].array
    return int(array.sum(dtype=np.int64)) == 2 * len(array)


driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
