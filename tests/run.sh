#!/usr/bin/env bash
# Sets everything up in an environment of its own and runs every check: lint, types, tests.
# Needs Python 3.10 or newer. Further words go to pytest: tests/run.sh -m "not e2e" runs the fast tests only.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=${CLARA_VENV:-.venv}

[ -x "$environment/bin/python" ] || "${PYTHON:-python3}" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[test]'

"$environment/bin/ruff" check
"$environment/bin/ruff" format --check
"$environment/bin/mypy"
exec "$environment/bin/pytest" "$@"
