"""Step 3: reads it all and fails if it is not what it must be."""

import sys

import numpy as np

array = np.load(sys.argv[1], mmap_mode="r")
sys.exit(int(array.sum(dtype=np.int64)) != 2 * len(array))
