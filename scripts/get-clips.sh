#!/usr/bin/env bash
# Fetches DeepMimic's motion clips (humanoid3d_*.txt, 15 files, 1 MB) into DIR, by default clips/ beside this repository's README.
#
#   scripts/get-clips.sh [DIR]
#
# They are data files inside the PyPI package pybullet (zlib licence); its smallest wheel, 74 MB, is pinned by version and SHA-256, fetched
# with pip, and deleted again. The wheel's own code is neither installed nor run. A folder that holds the clips already is left as it is.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${1:-$root/clips}
pin='pybullet==2.7.0 --hash=sha256:92828db26fdbcc529c316b3b03489cd8fba2aaba93f1b24fa951b2971b01c695'
count=15

have=0
[ -d "$dir" ] && have=$(find "$dir" -maxdepth 1 -name 'humanoid3d_*.txt' -size +0 | wc -l)
if [ "$have" -ge "$count" ]; then
    echo "$dir holds $have clips already." >&2
    exit 0
fi
if [ -e "$dir" ] && [ ! -d "$dir" ]; then
    echo "get-clips: $dir is there and is not a folder." >&2
    exit 1
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "get-clips: the clips are fetched with pip, which is missing: install the package python3-pip." >&2
    exit 2
fi

parent=$(dirname "$dir")
mkdir -p "$parent"
work=$(mktemp -d "$parent/.get-clips.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "$pin" >"$work/pin.txt"
echo "Fetching the motion clips (74 MB, of which 1 MB is kept) ..." >&2
if ! python3 -m pip download --quiet --disable-pip-version-check --no-input --no-cache-dir --no-deps --require-hashes --only-binary=:all: \
    --implementation cp --python-version 2.7 --abi cp27m --platform macosx_10_13_x86_64 \
    --dest "$work" --requirement "$work/pin.txt" >"$work/log" 2>&1; then
    tail -n 5 "$work/log" >&2
    echo "get-clips: pip could not fetch the package pybullet (is there a network?)." >&2
    exit 1
fi

python3 - "$work"/pybullet-*.whl "$work/clips" <<'PY'
import os, sys, zipfile
wheel, folder = sys.argv[1:]
os.mkdir(folder)
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        base = os.path.basename(name)
        if os.path.dirname(name) == "pybullet_data/data/motions" and base.startswith("humanoid3d_") and base.endswith(".txt"):
            with open(os.path.join(folder, base), "wb") as out:
                out.write(archive.read(name))
PY
got=$(find "$work/clips" -name 'humanoid3d_*.txt' -size +0 | wc -l)
if [ "$got" -ne "$count" ]; then
    echo "get-clips: the package holds $got clips, expected were $count." >&2
    exit 1
fi

# The folder appears complete or not at all; one that is there (empty, or with clips of the user's) gets the files that it lacks.
chmod 755 "$work/clips"
if ! mv -T "$work/clips" "$dir" 2>/dev/null; then
    mv -n "$work/clips"/humanoid3d_*.txt "$dir/"
fi
echo "$got clips are in $dir." >&2
