#!/usr/bin/env bash
# What a second thread of `amble train` is worth on cores that other programs use: trains with one thread and with two in turn, alone and
# beside busy processes, and prints for each the speed, the processor time of a sample, and the ratio of two threads to one (medians).
#
#   scripts/measure-threads.sh [AMBLE [ROUNDS [SAMPLES [BUSY...]]]]      default: build/amble 5 20k 0 1 2
#
# BUSY are numbers of busy processes, all begun anew for each run. Another program that runs meanwhile counts as one more, so close it first.
set -euo pipefail

amble=$(realpath "${1:-build/amble}")
rounds=${2:-5}
samples=${3:-20k}
count=${samples/%k/000} && count=${count/%M/000000}
shift $(($# < 3 ? $# : 3))
[ $# -gt 0 ] || set -- 0 1 2
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-threads-XXXXXX")
busy=()
stop_busy() {
    [ ${#busy[@]} -eq 0 ] || kill "${busy[@]}"
    wait
    busy=()
}
trap 'stop_busy 2>/dev/null; rm -rf "$work"' EXIT

# one_run THREADS BUSY: "samples/s ms-of-processor-time-a-sample"
one_run() {
    local i
    for ((i = 0; i < $2; i++)); do
        while :; do :; done &
        busy+=($!)
    done
    rm -rf "$work/run"
    TIMEFORMAT='%U %S'
    { time "$amble" train --motion run --samples "$samples" --threads "$1" --out "$work/run" >"$work/out" 2>&1; } 2>"$work/time" || {
        cat "$work/out" >&2
        return 1
    }
    stop_busy 2>/dev/null
    sed -n 's/^Trained after .* samples (\([0-9]*\)\/s).*/\1/p' "$work/out" | awk -v cpu="$(cat "$work/time")" -v n="$count" '
        { split(cpu, s); printf "%d %.3f\n", $1, (s[1] + s[2]) / n * 1000 }'
}

median() { sort -n | awk '{ x[NR] = $1 } END { printf "%.3f\n", (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'; }

printf '%15s %12s %12s %12s %12s %12s %22s\n' 'busy processes' '1: samples/s' '2: samples/s' '1: ms CPU' '2: ms CPU' '2 over 1' '(least to most)'
for n; do
    : >"$work/1" >"$work/2"
    for ((round = 0; round < rounds; round++)); do
        for threads in $( ((round % 2)) && echo 2 1 || echo 1 2); do one_run "$threads" "$n" >>"$work/$threads"; done
    done
    paste -d' ' "$work/1" "$work/2" | awk '{ print $3 / $1 }' | sort -n >"$work/ratio"
    printf '%15d %12.0f %12.0f %12.3f %12.3f %12.2f %22s\n' "$n" "$(cut -d' ' -f1 "$work/1" | median)" "$(cut -d' ' -f1 "$work/2" | median)" \
        "$(cut -d' ' -f2 "$work/1" | median)" "$(cut -d' ' -f2 "$work/2" | median)" "$(median <"$work/ratio")" \
        "($(printf '%.2f to %.2f' "$(head -n 1 "$work/ratio")" "$(tail -n 1 "$work/ratio")"))"
done
