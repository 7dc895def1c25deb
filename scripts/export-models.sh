#!/usr/bin/env bash
# Writes amble's networks anew so that they run fast: weights rounded to int8 where the outputs stay within the limit, real observations
# in the files (`amble model export`).
#
#   scripts/export-models.sh FROM TO [AMBLE]      folders; AMBLE: the program, by default build/amble
#
# FROM holds the networks as they were trained (float16 weights). Observations: rollouts of each actor, pushed, some of them falling; its
# critic sees the same. The decoder's are the latents of styles.json and blends of two of them. What would not gain is copied.
set -euo pipefail

from=$1 to=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
amble=${3:-$root/build/amble}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$to"

observe() { # NAME ROLLOUT'S OPTIONS...
    local name=$1
    shift
    "$amble" rollout --policy "$from/$name.onnx" --envs 32 --precision fp32 --observations "$work/$name.npy" "$@" >/dev/null
}
observe locomotion --style random --style-change 3 --seconds 20 --push 1,2
observe walk --motion walk --seconds 20 --push 1,2
observe run --motion run --seconds 20 --push 1,2
observe backflip --motion backflip --seconds 10 --push 0.5,2
repertoire=(walk run jog zombie_walk stealthy_walk backflip getup_facedown getup_faceup roll spinkick jump)
for motion in "${repertoire[@]}"; do
    "$amble" rollout --policy "$from/repertoire.onnx" --motion "$motion" --envs 16 --seconds 10 --push 0.5,2 --precision fp32 \
        --observations "$work/rep_$motion.npy" >/dev/null
done
python3 - "$work/repertoire.npy" "${repertoire[@]/#/$work/rep_}" <<'PY'
import random, struct, sys
target, sources = sys.argv[1], sys.argv[2:]
rows, width = [], 246
for source in sources:  # as many rows of each motion
    with open(source + ".npy", "rb") as file:
        data = file.read()
    body = data[10 + struct.unpack("<H", data[8:10])[0]:]
    own = [body[i:i + 4 * width] for i in range(0, len(body), 4 * width)]
    rows += random.Random(1).sample(own, min(len(own), 512))
random.Random(2).shuffle(rows)
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (len(rows), width)
header += " " * (-(len(header) + 11) % 64) + "\n"
with open(target, "wb") as out:
    out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + b"".join(rows))
PY
python3 - "$from/styles.json" "$work/decoder.npy" <<'PY'
import json, random, struct, sys
source, target = sys.argv[1:]
with open(source) as file:
    latents = [style["latent"] for style in json.load(file)["styles"]]
rng = random.Random(1)
rows = list(latents)
while len(rows) < 512:
    a, b, w = rng.choice(latents), rng.choice(latents), rng.random()
    rows.append([(1 - w) * x + w * y for x, y in zip(a, b)])
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (len(rows), len(rows[0]))
header += " " * (-(len(header) + 11) % 64) + "\n"
with open(target, "wb") as out:
    out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    for row in rows:
        out.write(struct.pack("<%df" % len(row), *row))
PY

export_one() { # NAME OBSERVATIONS, or none
    local calibrate=()
    [ "$2" ] && calibrate=(--calibrate "$2")
    "$amble" model export "$from/$1.onnx" "${calibrate[@]}" -o "$to/$1.onnx"
}
for name in locomotion walk run backflip; do
    export_one $name "$work/$name.npy"
    export_one ${name}_critic "$work/$name.npy"
done
export_one repertoire "$work/repertoire.npy" # no critic is needed: its skills are entered by the nearest pose
export_one stylevae_decoder "$work/decoder.npy"
[ "$from" -ef "$to" ] || cp "$from/stylevae_encoder.onnx" "$from/deepphase.onnx" "$to/" # neither gains: stays as it is
