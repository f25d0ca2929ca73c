"""What operators see of the environment of whoever starts the job. Loads nothing: it is wanted before all else."""

from __future__ import annotations

import os
from collections.abc import Mapping

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes 3 ms
# The folder of the module `clara`, which comes first on every operator's PYTHONPATH.
OPERATOR_FOLDER = os.path.join(_PACKAGE, "operator_path")  # noqa: PTH118
# Where this variable is on, its folder comes first: its `sitecustomize` puts faster codecs under gzip and zipfile.
FAST_IO = "CLARA_FAST_IO"
FAST_IO_FOLDER = os.path.join(_PACKAGE, "fast_io_path")  # noqa: PTH118

# Passed on from whoever starts the job, when set.
PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES"),
)
PASSED_ON_PREFIXES = ("LC_", "OMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "KMP_")


def passed_on(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The part of the user's environment that operators see."""
    return {
        name: value for name, value in environment.items() if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }


def python_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What tells an operator's Python where the module `clara` is, and to write at once."""
    path = [OPERATOR_FOLDER, *filter(None, [environment.get("PYTHONPATH")])]
    if environment.get(FAST_IO) == "1":
        path.insert(0, FAST_IO_FOLDER)
    return {"PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
