#!/usr/bin/env bash
# Fuzzes amble-serve under AddressSanitizer and UndefinedBehaviorSanitizer: bodies of inference requests and paths (fuzz_infer), messages of
# live characters (fuzz_channel), and whole connections, HTTP and WebSocket frames, to a server in the same process (fuzz_http). A crash, a leak
# or a server that no longer answers fails. The tests run the same programs with fewer inputs.
#
#   scripts/check-fuzz.sh [INPUTS [SEED]]     1000000 inputs in all, 1
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
inputs=${1:-1000000}
seed=${2:-1}
cd "$root"
[[ $inputs =~ ^[0-9]+$ && $seed =~ ^[0-9]+$ ]] || {
    echo "check-fuzz.sh: expected whole numbers, found \"$inputs\" and \"$seed\"" >&2
    exit 2
}
cmake --preset sanitize -G Ninja -DAMB_TESTS=ON >/dev/null
cmake --build build-sanitize --target fuzz_infer fuzz_channel fuzz_http
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1}
left=$inputs
pids=()
# Wherever one fails, the others end too.
trap '[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true' EXIT

# fuzz TARGET RUNS SEED: runs one program; only what it prints is kept.
fuzz() {
    echo "fuzz_$1: $2 inputs, seed $3"
    build-sanitize/tests/fuzz/fuzz_"$1" -runs="$2" -seed="$3" "tests/fuzz/corpus/$1" &
    pids+=($!)
}

# Whole connections take the longest, most of it waiting: four at a time.
http=$((inputs * 3 / 10)) channel=$((inputs * 3 / 10))
for k in 1 2 3 4; do
    fuzz http $((http / 4)) $((seed * 4 + k))
    left=$((left - http / 4))
done
fuzz channel $channel "$seed"
fuzz infer $((left - channel)) "$seed"
failed=0
for pid in "${pids[@]}"; do
    wait "$pid" || failed=1
done
pids=()
[ $failed = 0 ] || {
    echo "FAILED after $SECONDS s"
    exit 1
}
echo "ok: $inputs inputs in $SECONDS s"
