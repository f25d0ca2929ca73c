"""Run when an operator's Python starts, if CLARA_FAST_IO switches faster codecs on; see `clara.fast_codecs`.

Another `sitecustomize` on the path, which this one hides, is run afterwards.
"""

import os
import sys


def _install() -> None:
    try:
        from clara.fast_codecs import install
    except ImportError:
        return  # another module of that name
    install()


def _make_way() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found] # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        if own is not None:
            sys.modules["sitecustomize"] = own


_install()
_make_way()
