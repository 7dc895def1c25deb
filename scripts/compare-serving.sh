#!/usr/bin/env bash
# Requests a second, latency and CPU time a request of amble-serve beside a Python server with ONNX Runtime (scripts/serving_peer.py), in turns,
# with wrk over kept-alive connections and the protocol's binary form.
#
#   scripts/compare-serving.sh [PATH/TO/amble-serve [MODEL [SECONDS [PYTHON]]]]
#
# The model is one of amble's actors with 197 inputs: walk, run, backflip; its motion clip is needed (AMBLE_CLIPS). PYTHON has onnxruntime, numpy, fastapi and uvicorn; without it, they are installed into build/serving-venv. Needs wrk.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
serve=$(realpath "${1:-$root/build/amble-serve}")
model=${2:-walk}
seconds=${3:-4}
python=${4:-$root/build/serving-venv/bin/python}
command -v wrk >/dev/null || {
    echo 'compare-serving.sh: wrk is missing: apt-get install wrk' >&2
    exit 2
}
if ! "$python" -c 'import onnxruntime, fastapi, uvicorn' 2>/dev/null; then
    python3 -m venv "$root/build/serving-venv"
    python=$root/build/serving-venv/bin/python
    "$root/build/serving-venv/bin/pip" install -q onnxruntime numpy fastapi uvicorn uvloop httptools
fi
work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317
end() {
    kill "${pids[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT
cat >"$work/post.lua" <<'LUA'
local f = io.open(os.getenv("BODY"), "rb")
local body = f:read("*a")
f:close()
wrk.method = "POST"
wrk.body = body
wrk.headers["Inference-Header-Content-Length"] = os.getenv("HEAD")
done = function(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("%.0f %.0f %.0f %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99), bad))
end
LUA
"$serve" --port 8171 --max-characters 0 >/dev/null & pids+=($!)
"$python" "$root/scripts/serving_peer.py" 8172 "$root/assets/models/$model.onnx" & pids+=($!)
for port in 8171 8172; do
    for _ in $(seq 100); do
        (: </dev/tcp/127.0.0.1/$port) 2>/dev/null && break
        sleep .1
    done
done
# Rows as the network sees them: a rollout's observations. Noise would leave the range that its precision was chosen for.
"$(dirname "$serve")/amble" rollout --motion "$model" --policy "$model" --seconds 8 --envs 4 --observations "$work/rows.npy" >/dev/null
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
printf '%-6s %-12s %5s %10s %9s %9s %12s\n' rows server conns requests/s p50/us p99/us 'CPU us/req'
for rows in 1 256; do
    HEAD=$("$python" - "$rows" "$work/body" "$work/rows.npy" <<'P'
import json, numpy, sys
rows = int(sys.argv[1])
head = json.dumps({"inputs": [{"name": "input", "shape": [rows, 197], "datatype": "FP32", "parameters": {"binary_data_size": rows * 788}}],
                   "parameters": {"binary_data_output": True}}).encode()
open(sys.argv[2], "wb").write(head + numpy.load(sys.argv[3])[:rows].astype("<f4").tobytes())
print(len(head))
P
    )
    export HEAD BODY=$work/body
    for connections in 1 8; do
        for which in 0 1 0 1; do
            name=$([ $which = 0 ] && echo amble-serve || echo onnxruntime)
            before=$(ticks "${pids[$which]}")
            result=$(wrk -t1 -c$connections -d"${seconds}s" -s "$work/post.lua" "http://127.0.0.1:$((8171 + which))/v2/models/$model/infer" | tail -n 1)
            after=$(ticks "${pids[$which]}")
            awk -v r="$result" -v rows=$rows -v name="$name" -v c=$connections -v t=$((after - before)) -v s="$seconds" 'BEGIN {
                split(r, x, " "); printf "%-6d %-12s %5d %10d %9d %9d %12.0f%s\n", rows, name, c, x[1], x[2], x[3], t * 1e4 / (x[1] * s), (x[4] > 0 ? "   " x[4] " errors" : "") }'
        done
    done
done
