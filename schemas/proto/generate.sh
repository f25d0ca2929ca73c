#!/usr/bin/env bash
# Writes clara_cli/server/wire from the .proto files here. Words: a Python with grpcio-tools 1.62.3, and the target.
#
# Code of that version runs on every protobuf from 3.20 on. The files are compiled under their published names, because
# a process that also loads NVIDIA's own client must find the same names; only the Python imports are moved.
set -euo pipefail
python=$1 target=$(realpath -m "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$here"
mapfile -t files < <(find . -name '*.proto' -printf '%P\n' | sort)
"$python" -m grpc_tools.protoc -I. --python_out="$work" --pyi_out="$work" "${files[@]}"
mkdir -p "$target"
find "$work" \( -name '*.py' -o -name '*.pyi' \) -exec mv -t "$target" {} +
sed -i 's/^from nvidia\.clara\.platform import/from clara_cli.server.wire import/' "$target"/*_pb2.py "$target"/*_pb2.pyi
sed -i 's/^from nvidia\.clara\.platform\.\([a-z]*\)_pb2 import/from clara_cli.server.wire.\1_pb2 import/' \
    "$target"/*_pb2.py "$target"/*_pb2.pyi
printf '"""The messages of the wire contract; written by schemas/proto/generate.sh."""\n' > "$target/__init__.py"
