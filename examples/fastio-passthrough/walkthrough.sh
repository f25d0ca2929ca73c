#!/usr/bin/env bash
# Sets clara up in an environment of its own and runs the documented session on a real volume.
# Needs Python 3.10 or newer. A NIfTI file of your own: walkthrough.sh FILE.nii.gz
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
environment=${CLARA_VENV:-$repository/.venv}

[ -x "$environment/bin/python" ] || "${PYTHON:-python3}" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$repository"
PATH=$environment/bin:$PATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
    volume=$(realpath "$1")
else
    # A scan of a head that comes with nibabel.
    volume=$work/anatomical.nii.gz
    python - "$volume" <<'PYTHON'
import pathlib, sys, nibabel
nibabel.save(nibabel.load(pathlib.Path(nibabel.__file__).parent / "tests/data/anatomical.nii"), sys.argv[1])
PYTHON
fi

say() { printf '\n$ %s\n' "$*"; }
cd "$here"

say clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml
clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml

say "PIPELINE_ID=\$(clara list pipelines | grep fastio-passthrough-dynamic-pipeline | awk '{print \$2}')"
PIPELINE_ID=$(clara list pipelines | grep fastio-passthrough-dynamic-pipeline | awk '{print $2}')

say "clara create jobs -n fastio-variable-test -p \$PIPELINE_ID -f $volume"
# shellcheck disable=SC2086 - several pipelines of that name give several words, as the documented command does
clara create jobs -n fastio-variable-test -p $PIPELINE_ID -f "$volume" | tee "$work/created"
JOB_ID=$(awk '/^JOB_ID:/ {print $2}' "$work/created")

say clara start job -j "$JOB_ID"
clara start job -j "$JOB_ID"

say "clara download $JOB_ID:/operators/compare-input-to-npz/* $work/result"
clara download "$JOB_ID:/operators/compare-input-to-npz/*" "$work/result"

say 'cat result/truth-val/comparison.txt && echo ""'
cat "$work/result/truth-val/comparison.txt" && echo ""

folder=$(clara describe job -j "$JOB_ID" | awk -F': ' '/^PAYLOAD_FOLDER/ {print $2}')
say ls "$folder/"
ls "$folder/"
[ "$(cat "$work/result/truth-val/comparison.txt")" = true ]
