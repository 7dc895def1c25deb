#!/usr/bin/env bash
# A folder with many clips out of few, for trainings on large libraries: every clip of a folder, and mixtures of amble's walking styles, at many
# speeds, plain and mirrored, each by `amble clip convert` of the whole folder.
#
#   scripts/make-library.sh CLIPS OUT [N]      OUT has at least N (10000) clips then, in a folder for each speed: OUT/plain-1.03/walk.txt
#
# AMBLE: the program (build/amble), or a launcher with it, as in AMBLE='mpirun -n 4 build/amble'. A folder that is there already is left as it is
# (--skip-existing), so that a stopped run goes on.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
read -ra amble <<<"${AMBLE:-$root/build/amble}"
if [ $# -lt 2 ] || [ ! -d "$1" ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
clips=$(realpath "$1")
out=$2
count=${3:-10000}

# Mixtures of two styles, which no single clip has. One process: amble style does not divide its work.
base=$(mktemp -d "${TMPDIR:-/tmp}/amble-library-XXXXXX")
trap 'rm -rf "$base"' EXIT
ln -s "$clips"/*.txt "$base"
for pair in walk:zombie walk:jog jog:run zombie:run; do
    for part in 3 5 7; do
        "${amble[@]: -1}" style export "${pair%:*}:.$part,${pair#*:}:.$((10 - part))" -o "$base/${pair%:*}${part}_${pair#*:}$((10 - part)).txt"
    done
done

each=$(find -L "$base" -name '*.txt' | wc -l)
speeds=$(((count + 2 * each - 1) / (2 * each)))
echo "$each clips at $speeds speeds, plain and mirrored: $((2 * each * speeds))"
for i in $(seq 0 $((speeds - 1))); do
    scale=$(awk -v i="$i" -v n="$speeds" 'BEGIN { printf "%.4f", .8 + .4 * (n > 1 ? i / (n - 1) : .5) }') # durations from .8 to 1.2
    "${amble[@]}" clip convert "$base" -o "$out/plain-$scale" --time-scale "$scale" --skip-existing
    "${amble[@]}" clip convert "$base" -o "$out/mirrored-$scale" --time-scale "$scale" --mirror --skip-existing
done
