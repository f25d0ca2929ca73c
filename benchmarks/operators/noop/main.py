"""Does nothing, with the driver and numpy loaded; works in a job and by itself."""

import clara
import numpy  # noqa: F401 - what nearly every operator loads


def execute(driver: clara.Driver, payload: clara.Payload) -> None:
    """The driver itself allocates outputs of a fixed shape."""


driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
