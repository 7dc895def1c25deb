#!/usr/bin/env bash
# What a sum of gradients takes between two hosts (scripts/hosts.sh), in fp32 and bf16, over links of several bandwidths and latencies, and
# what the model of `amble-bench exchange` says: the figures of docs/scaling.md, as a table. What the hosts themselves can do is measured first,
# over a link without a limit; the model gets that and the link, and nothing of what it is compared with.
#
#   scripts/measure-exchange.sh [BUILD]      BUILD: a folder with amble-bench and its plug-ins (build)
#
# Processes run with real-time priority, so that other programs on the machine do not disturb; a minute.
set -u

# MPICH: no announcement of long messages, which costs some latencies.
export UCX_RNDV_THRESH=${UCX_RNDV_THRESH-inf}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath "${1:-$root/build}")
if [ ! -x "$build/amble-bench" ] || ! command -v chrt python3 >/dev/null; then
    echo "measure-exchange.sh: $build/amble-bench, chrt and python3 are needed" >&2
    exit 77
fi
. "$root/scripts/hosts.sh"
priority=(chrt -f 10)
link_priority=(chrt -f 20)

times=${TIMES:-30}
bench() { # MPI OPTIONS: result.json
    local mpi=$1
    shift
    rm -f result.json
    launch "$mpi" "$build/amble-bench" exchange --times "$times" --json result.json "$@" >out 2>err && [ -s result.json ] && return
    echo "measure-exchange.sh: $mpi, $*: failed" >&2
    tail -n 5 err >&2
    exit 1
}

# What result.json says: the host's own figures as options for the model, or a row of the table.
cat >say.py <<'PYTHON'
import json, sys
r = json.load(open("result.json"))
p50, least, small, additions = 1e-3 * r["sum_us"]["p50"], 1e-3 * r["sum_us"]["min"], r["small_ms"], r["additions_ms"]
gbit = 8e-6 * r["bytes_sent"] / max(p50 - 2 * small - additions, 1e-3)
if sys.argv[1] == "host":
    print(f"--host-gbit {gbit:.4g} --host-ms {max(small - float(sys.argv[2]), 0):.4g}")
else:
    model = r["model_ms"]
    says = f"{model:.1f} ms | {p50 / model:.2f}" if model else f"{gbit:.1f} Gbit/s a host, {additions:.1f} ms additions |"
    print(f"| {r['mpi']}, {sys.argv[1]} | {'bf16' if r['bf16'] else 'fp32'} | {small:.2f} ms | {p50:.1f}, {least:.1f} ms | {says} |")
PYTHON

echo "| link | numbers | 64 bytes | a sum: median, min | model | median / model |"
echo "|---|---|---|---|---|---|"
for mpi in ${MPIS:-openmpi mpich}; do
    [ -e "$build/amble-exchange-$mpi.so" ] && command -v "mpirun.$mpi" >/dev/null || continue
    for format in fp32 bf16; do
        [ $format = bf16 ] && option=(--bf16) || option=()
        for ms in .1 1; do
            link 0 $ms
            bench $mpi "${option[@]}"
            python3 say.py "no limit, $ms ms"
            read -ra host <<<"$(python3 say.py host $ms)"
            for gbit in 1 10; do
                link $gbit $ms
                bench $mpi "${option[@]}" --gbit $gbit --ms $ms "${host[@]}"
                python3 say.py "$gbit Gbit/s, $ms ms"
            done
        done
    done
done
