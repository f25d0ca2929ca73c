"""https://nipype.github.io/pydra 0.25: functions hand on what they return."""

import os

import numpy as np
from pydra import Submitter, Workflow, mark


@mark.task
def make(size: int) -> np.ndarray:
    return np.full(size, 1, np.uint8)


@mark.task
def add(array: np.ndarray) -> np.ndarray:
    return array + np.uint8(1)


@mark.task
def total(array: np.ndarray) -> bool:
    return int(array.sum(dtype=np.int64)) == 2 * len(array)


if __name__ == "__main__":
    workflow = Workflow(name="steps", input_spec=["size"], size=int(os.environ["PEERS_BYTES"]), cache_dir="cache")
    workflow.add(make(name="first", size=workflow.lzin.size))
    workflow.add(add(name="second", array=workflow.first.lzout.out))
    workflow.add(total(name="third", array=workflow.second.lzout.out))
    workflow.set_output([("right", workflow.third.lzout.out)])
    with Submitter(plugin="cf") as submitter:
        submitter(workflow)
    assert workflow.result().output.right
