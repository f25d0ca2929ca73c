"""What `import clara` costs and offers."""

import subprocess
import sys
from pathlib import Path

import clara
import pytest

MODULES = Path(clara.__file__).parents[1]


def python(code):
    command = [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {str(MODULES)!r})\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_importing_has_no_effect():
    code = """
import clara, threading, signal
assert threading.active_count() == 1
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
print([m for m in ("numpy", "socket", "ctypes", "mmap", "logging") if m in sys.modules])
"""
    assert python(code) == "[]\n"


def test_using_every_name_leaves_numpy_out():
    assert (
        python("import clara\n[getattr(clara, n) for n in clara.__all__]\nprint('numpy' in sys.modules)") == "False\n"
    )


def test_standard_logging_stays_importable():
    assert python("from clara.logging import perf_logger\nimport logging; print(logging.INFO)") == "20\n"


def test_each_module_imports_first():
    for path in sorted((MODULES / "clara").glob("*.py")):
        if path.stem != "__init__":
            python(f"import clara.{path.stem}")


def test_unknown_name():
    with pytest.raises(AttributeError, match="Drivr"):
        clara.Drivr  # noqa: B018


def test_error_is_also_the_built_in():
    from clara import errors

    pairs = [
        (errors.InvalidValue, ValueError),
        (errors.WrongType, TypeError),
        (errors.UnknownName, KeyError),
        (errors.NotPermitted, PermissionError),
        (errors.OutOfMemory, MemoryError),
    ]
    for kind, built_in in pairs:
        error = kind("what is wrong")
        assert isinstance(error, clara.Error) and isinstance(error, built_in)
        assert str(error) == error.message == "what is wrong"
    assert len({kind.default_code for kind, _ in pairs}) == len(pairs)
