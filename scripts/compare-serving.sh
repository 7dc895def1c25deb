#!/usr/bin/env bash
# amble-serve beside a Python server with ONNX Runtime, in turns, over kept-alive connections (amble-bench requests): requests a second and CPU
# time a request in a closed loop, then latency at equal load in an open loop, where it counts from when a request was due.
#
#   scripts/compare-serving.sh [PATH/TO/amble-serve [MODEL [SECONDS [PYTHON]]]]
#
# The model is one of amble's actors with 197 inputs: walk, run, backflip; its motion clip is needed (AMBLE_CLIPS). amble and amble-bench are
# beside amble-serve. PEER=fastapi (default): FastAPI and uvicorn with the protocol's binary form (scripts/serving_peer.py). PEER=mlserver:
# MLServer, whose REST has JSON only, so that both answer JSON (scripts/serving_mlserver.py). PYTHON has onnxruntime, numpy and the peer's
# packages; without it, they are installed into build/serving-PEER.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
peer=${PEER:-fastapi}
serve=$(realpath "${1:-$root/build/amble-serve}")
bench=$(dirname "$serve")/amble-bench
model=${2:-walk}
seconds=${3:-4}
python=${4:-$root/build/serving-$peer/bin/python}
case $peer in
fastapi) packages=(fastapi uvicorn uvloop httptools) format=binary program=serving_peer.py modules='fastapi, uvicorn' ;;
mlserver) packages=(mlserver) format=json program=serving_mlserver.py modules=mlserver ;;
*)
    echo "compare-serving.sh: PEER is \"$peer\", expected fastapi or mlserver" >&2
    exit 2
    ;;
esac
if ! "$python" -c "import onnxruntime, $modules" 2>/dev/null; then
    python3 -m venv "$root/build/serving-$peer"
    python=$root/build/serving-$peer/bin/python
    "$python" -m pip install -q onnxruntime numpy "${packages[@]}"
fi
work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317
end() {
    kill "${pids[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT
"$serve" --port 8171 --max-characters 0 >/dev/null & pids+=($!)
"$python" "$root/scripts/$program" 8172 "$root/assets/models/$model.onnx" >"$work/peer" 2>&1 & pids+=($!)
for port in 8171 8172; do
    for _ in $(seq 600); do
        curl -s -m 2 "http://127.0.0.1:$port/v2/models/$model/infer" -d '{}' -o /dev/null && break
        sleep .2
    done
done
# Rows as the network sees them: a rollout's observations. Noise would leave the range that its precision was chosen for.
"$(dirname "$serve")/amble" rollout --motion "$model" --policy "$model" --seconds 8 --envs 4 --observations "$work/rows.npy" >/dev/null

# measure WHICH OPTIONS: one line of numbers: requests/s, p50, p99, p99 from sent (us), CPU us a request.
measure() {
    local which=$1 input=(--inputs "$work/rows.npy" --model "$model" --format "$format")
    shift
    "$bench" requests --port $((8171 + which)) --pid "${pids[$which]}" "${input[@]}" --seconds "$seconds" --json - "$@" |
        python3 -c '
import json, sys
o = json.load(sys.stdin)
sent = o.get("latency_from_sent", o["latency"])
print(round(o["requests_per_s"]), round(o["latency"]["p50"]), round(o["latency"]["p99"]), round(sent["p99"]), round(o["server_cpu_us_per_request"]))'
}
names=(amble-serve "$peer")
printf 'closed loop, %s\n%-6s %-12s %5s %10s %9s %9s %12s\n' "$format" rows server conns requests/s p50/us p99/us 'CPU us/req'
slowest=1000000
for rows in 1 256; do
    for connections in 1 8; do
        for which in 0 1 0 1; do
            read -r rate p50 p99 _ cpu < <(measure $which --rows $rows --connections $connections)
            printf '%-6d %-12s %5d %10d %9d %9d %12d\n' $rows "${names[$which]}" $connections "$rate" "$p50" "$p99" "$cpu"
            [ $rows-$connections != 1-8 ] || [ "$rate" -ge "$slowest" ] || slowest=$rate
        done
    done
done
printf '\nopen loop, 1 row, 8 connections, %s\n%-6s %-12s %10s %9s %9s %18s %12s\n' "$format" load server requests/s p50/us p99/us 'p99 from sent/us' 'CPU us/req'
for percent in 30 60 80; do # of what the slower one did above
    for which in 0 1 0 1; do
        read -r rate p50 p99 sent cpu < <(measure $which --rate $((slowest * percent / 100)))
        printf '%-6s %-12s %10d %9d %9d %18d %12d\n' $percent% "${names[$which]}" "$rate" "$p50" "$p99" "$sent" "$cpu"
    done
done
