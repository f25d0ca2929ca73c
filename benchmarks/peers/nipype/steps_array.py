"""https://nipype.readthedocs.io: nodes hand on files, by their paths."""

import os

from nipype import Function, Node, Workflow


def make(size):
    from pathlib import Path

    import numpy as np

    np.save("one.npy", np.full(size, 1, np.uint8))
    return str(Path("one.npy").resolve())


def add(file):
    from pathlib import Path

    import numpy as np

    np.save("two.npy", np.load(file, mmap_mode="r") + np.uint8(1))
    return str(Path("two.npy").resolve())


def total(file):
    import numpy as np

    array = np.load(file, mmap_mode="r")
    if int(array.sum(dtype=np.int64)) != 2 * len(array):
        raise ValueError("the sum is wrong")
    return True


workflow = Workflow("steps", base_dir=".")
first = Node(Function(["size"], ["file"], make), "make")
second = Node(Function(["file"], ["file"], add), "add")
third = Node(Function(["file"], ["right"], total), "total")
first.inputs.size = int(os.environ["PEERS_BYTES"])
workflow.connect([(first, second, [("file", "file")]), (second, third, [("file", "file")])])
workflow.run()
