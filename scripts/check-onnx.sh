#!/usr/bin/env bash
# Runs the ONNX package's own node tests (onnx.backend.test) for every operator that amble reads: each must give the package's outputs, or be
# refused because a shape is known only in a run, as tests/data/graph/refused.txt lists them. Fetches the package into a virtual environment of
# its own, or takes a Python that has it.
#
#   scripts/check-onnx.sh [--python PYTHON] [--update] BUILD      --update writes the list anew
#
# Exits with 1 where a case fails or the list is another.
set -eu

python=
update=
while [ $# -gt 1 ]; do
    case $1 in
    --python)
        python=$2
        shift
        ;;
    --update) update=--update ;;
    *)
        echo "check-onnx: $1 is not known, see the head of ${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
    esac
    shift
done
[ $# -eq 1 ] && [ -x "$1/amble" ] || {
    echo "check-onnx: a build folder is expected, see the head of ${BASH_SOURCE[0]}" >&2
    exit 2
}
build=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -z "$python" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    python3 -m venv "$folder"
    "$folder/bin/pip" install -q onnx==1.23.2 numpy
    python=$folder/bin/python
fi
"$python" tests/onnx_nodes.py "$build/amble" --refused tests/data/graph/refused.txt $update
