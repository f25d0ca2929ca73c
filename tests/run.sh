#!/usr/bin/env bash
# Sets everything up in an environment of its own and runs every check: lint, types, tests.
# Needs Python 3.10 or newer. Further words go to pytest: tests/run.sh -m "not e2e" runs the fast tests only.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=${CLARA_VENV:-.venv}

[ -x "$environment/bin/python" ] || "${PYTHON:-python3}" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[test]'

# Without it the tests about mounts are skipped, each with the reason.
if ! command -v bwrap >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update -qq && apt-get install -qq -y bubblewrap; } >/dev/null || echo "bubblewrap cannot be installed" >&2
fi

# Without it the tests that drive a browser are skipped.
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update -qq && apt-get install -qq -y chromium; } >/dev/null || echo "Chromium cannot be installed" >&2
fi

# The same for jobs on a cluster: the tests start a Slurm of their own. Its services are not to start by themselves.
if ! command -v slurmctld >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update -qq && RUNLEVEL=1 apt-get install -qq -y slurm-wlm munge; } >/dev/null || echo "Slurm cannot be installed" >&2
fi

"$environment/bin/ruff" check
"$environment/bin/ruff" format --check
"$environment/bin/mypy"
status=0
"$environment/bin/pytest" -n auto "$@" || status=$?
[ "$status" = 1 ] || exit "$status"
# What the load of all others disturbed passes alone; what is broken fails again.
echo "once more, one at a time: the tests that failed"
exec "$environment/bin/pytest" --last-failed "$@"
