#!/usr/bin/env bash
# Training over several hosts, tried for real: two network namespaces with addresses and host names of their own, a link between them with a
# bandwidth and a latency (scripts/hosts.sh), one process each, Open MPI and MPICH. Compares checkpoints with one process's, cuts the link,
# kills a process. Needs root, iproute2, both MPIs; takes some minutes.
#
#   scripts/check-mpi.sh [BUILD]      BUILD: a folder with amble and its plug-ins (build)
#   scripts/check-mpi.sh --measure [BUILD]      scripts/measure-exchange.sh
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ "${1:-}" != --measure ] || exec "$root/scripts/measure-exchange.sh" "${@:2}"
build=$(realpath "${1:-$root/build}")
amble=$build/amble
if [ ! -x "$amble" ]; then
    echo "check-mpi.sh: $amble is needed" >&2
    exit 77
fi
. "$root/scripts/hosts.sh"

failed=0
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        echo "passed: $name"
    else
        echo "FAILED: $name"
        sed 's/^/    /' err | head -n 20
        failed=$((failed + 1))
    fi
}

gone() { ! kill -0 "$1" 2>/dev/null; }

options=(--motion "$root/assets/motions/sim_backflip.txt" --threads 1 --evaluate-every 0 --seed 7)
small=(--envs 16 --shard 4 --hidden1 32 --hidden2 16)
"$amble" train "${options[@]}" "${small[@]}" --out plain --samples 4096 2>err || { cat err; exit 1; }

for mpi in openmpi mpich; do
    if [ ! -e "$build/amble-exchange-$mpi.so" ] || ! command -v "mpirun.$mpi" >/dev/null; then
        echo "skipped: $mpi"
        continue
    fi
    link 1 .1
    rm -rf many
    launch $mpi "$amble" train "${options[@]}" "${small[@]}" --out many --samples 4096 >out 2>err
    check "$mpi: two hosts, the checkpoint of one process" cmp plain/checkpoint.bin many/checkpoint.bin

    for what in cut kill; do
        rm -rf lost
        launch $mpi "$amble" train "${options[@]}" "${small[@]}" --out lost --samples 10M --save-minutes 0 --rank-seconds 10 >out 2>err &
        launcher=$!
        until [ -e lost/checkpoint.bin ] || ! kill -0 $launcher 2>/dev/null; do sleep .2; done
        if [ $what = cut ]; then
            kill -STOP $relay
        else
            for pid in $(ip netns pids "$two"); do
                [ "$(readlink "/proc/$pid/exe")" != "$amble" ] || kill -9 "$pid"
            done
        fi
        for _ in $(seq 120); do
            grep -q '^amble: rank 1 on' err && break
            kill -0 $launcher 2>/dev/null || break
            sleep 1
        done
        if [ $what = cut ]; then
            check "$mpi: a cut link is noticed, and the process behind it named" grep -q "^amble: rank 1 on $two" err
            kill -CONT $relay
        fi
        for _ in $(seq 60); do
            kill -0 $launcher 2>/dev/null || break
            sleep 1
        done
        check "$mpi: the job has ended after: $what" gone "$launcher"
        kill -9 $launcher 2>/dev/null
        wait $launcher 2>/dev/null
        ip netns pids "$one" | xargs -r kill -9 2>/dev/null
        ip netns pids "$two" | xargs -r kill -9 2>/dev/null
        "$amble" train "${options[@]}" "${small[@]}" --out lost --resume lost/checkpoint.bin --minutes .0001 >out 2>err
        check "$mpi: and can go on after: $what" grep -q '^Stopped after\|^Trained after' err
    done
done
[ $failed = 0 ]
