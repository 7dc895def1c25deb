#!/usr/bin/env bash
# The Python package of a build folder under pytest, in a virtual environment of its own with pinned packages
# (tests/python/requirements.txt), which is made once and kept in .deps; from then on nothing is downloaded.
#
#   tests/test_python.sh BUILD [pytest's options]
#
# Its last lines count like cmocka's. Where the environment cannot be made, that is one skipped test with its reason. AMBLE_PYTHON: the
# interpreter (default: python3). AMBLE_PRELOAD: a library to load before Python, for sanitizers.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath "$1") || exit 1
shift
python=${AMBLE_PYTHON:-python3}
wanted=$root/tests/python/requirements.txt

skip() {
    echo "SKIPPED: python: $1"
    echo '[  SKIPPED ] 1 test(s).'
    exit 0
}

command -v "$python" >/dev/null 2>&1 || skip "$python is not installed"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 11) else "")')
[ -n "$version" ] || skip 'Python 3.11 or newer is needed'
[ -e "$build/python/amble/_amble.abi3.so" ] || skip 'the package was not built: the headers of Python are missing (package python3-dev)'

name=python-tests-$version-$(cksum <"$wanted" | cut -d ' ' -f 1)
venv=$root/.deps/$name
if [ ! -e "$venv/ready" ]; then
    mkdir -p "$root/.deps"
    staging=$(mktemp -d "$root/.deps/$name.XXXXXX") || exit 1
    trap 'rm -rf "$staging"' EXIT
    # Debian's ensurepip is a package of its own; its pip can fill an environment from outside.
    if ! "$python" -m venv --without-pip "$staging/venv" >"$staging/log" 2>&1 ||
        ! "$python" -m pip --python "$staging/venv/bin/python" install --quiet --disable-pip-version-check --no-input -r "$wanted" \
            >>"$staging/log" 2>&1 </dev/null; then
        reason=$(grep -m 1 -E 'ERROR|error|No module' "$staging/log")
        skip "the virtual environment could not be made: ${reason:-python3 -m venv and pip are needed}"
    fi
    # Nothing in it is called by its path but the interpreter, so it may be moved.
    touch "$staging/venv/ready"
    mv -T "$staging/venv" "$venv" 2>/dev/null || [ -e "$venv/ready" ] || skip "$venv could not be made"
fi

export PYTHONPATH=$build/python PYTHONDONTWRITEBYTECODE=1
[ ! -d "$build/locale" ] || export LOCPATH=$build/locale
[ -z "${AMBLE_PRELOAD:-}" ] || export LD_PRELOAD=$AMBLE_PRELOAD
cd "$root/tests/python" || exit 1
exec "$venv/bin/python" -m pytest -q -p no:cacheprovider --rootdir "$root/tests/python" "$@" .
