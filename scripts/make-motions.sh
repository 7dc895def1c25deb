#!/usr/bin/env bash
# Makes assets/motions: clips that amble generates itself, so that tests, examples and the Python package need none of
# DeepMimic's.
#
#   scripts/make-motions.sh [AMBLE]      AMBLE: the program, by default build/amble
#
# style_*.txt are one cycle of a named style (`amble style export`). pushed_walk.txt is nine seconds of a simulated body that follows the
# style walk and is pushed every 2 s (`amble rollout --record`), so no step of it is quite like another. sim_backflip.txt is what amble's
# own backflip.onnx does in simulation, cut to a cycle of two flips, sim_getup_*.txt what getup_*.onnx do; only making them needs DeepMimic's
# clips (AMBLE_CLIPS). sim_kick.txt is left as it is: its policy is not in the tree. Numbers are
# rounded to 5 digits after the point (.01 mm), which halves the files. Another processor's kernels round differently, so the two
# simulated ones are not the same to the last digit everywhere; tests must not depend on that.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
amble=${1:-$root/build/amble}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for style in walk jog run zombie; do
    "$amble" style export "$style" -o "$work/style_$style.txt"
done
"$amble" rollout --style walk --seconds 9 --envs 1 --push 1,2 --start 0 --record "$work/pushed_walk.txt" >/dev/null

"$amble" rollout --motion backflip --policy backflip --seconds 7 --envs 1 --start 0 --record "$work/recorded_backflip.txt" >/dev/null
"$amble" clip convert "$work/recorded_backflip.txt" --loop auto -o "$work/sim_backflip.txt" >/dev/null
rm "$work/recorded_backflip.txt"

for getup in facedown:3.0333 faceup:3.7666; do
    name=getup_${getup%:*}
    "$amble" rollout --motion "$name" --policy "$name" --seconds "${getup#*:}" --envs 1 --start 0 --record "$work/recorded_$name.txt" >/dev/null
    "$amble" clip convert "$work/recorded_$name.txt" --smooth 7 -o "$work/sim_$name.txt" >/dev/null
    rm "$work/recorded_$name.txt"
done

mkdir -p "$root/assets/motions"
for file in "$work"/*.txt; do
    python3 - "$file" "$root/assets/motions/$(basename "$file")" <<'PY'
import json, sys
source, target = sys.argv[1:]
with open(source) as file:
    clip = json.load(file)
lines = ("[%s]" % ",".join("%.12g" % round(value, 5) for value in frame) for frame in clip["Frames"])
with open(target, "w") as out:
    out.write('{\n"Loop": "%s",\n"Frames":\n[\n%s\n]\n}\n' % (clip["Loop"], ",\n".join(lines)))
PY
done
