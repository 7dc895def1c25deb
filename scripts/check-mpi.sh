#!/usr/bin/env bash
# Training over several hosts, tried for real: two network namespaces with addresses and host names of their own, a link between them with a
# bandwidth and a latency (scripts/link_relay.c), one process each, Open MPI and MPICH. Compares checkpoints with one process's, cuts the link,
# kills a process, and measures what an exchange takes. Needs root, iproute2, both MPIs; takes some minutes.
#
#   scripts/check-mpi.sh [--measure] [BUILD]      BUILD: a folder with amble and its plug-ins (build); --measure: nothing but the
#                                                 figures of docs/scaling.md
set -u

measure=
[ "${1:-}" != --measure ] || { measure=1 && shift; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath "${1:-$root/build}")
amble=$build/amble
if [ "$(id -u)" != 0 ] || [ ! -x "$amble" ] || [ ! -c /dev/net/tun ] || ! command -v ip >/dev/null; then
    echo "check-mpi: root, $amble, ip and /dev/net/tun are needed" >&2
    exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-hosts-XXXXXX") || exit 2
one=amble1-$$
two=amble2-$$
relay=
tidy() {
    [ -z "$relay" ] || kill -9 "$relay" 2>/dev/null
    for host in $one $two; do
        ip netns pids "$host" 2>/dev/null | xargs -r kill -9 2>/dev/null
        ip netns del "$host" 2>/dev/null
    done
    rm -rf "$work"
}
trap tidy EXIT
cd "$work" || exit 2
cc -O2 -o link_relay "$root/scripts/link_relay.c" || exit 2
ip netns add "$one" && ip netns add "$two" || exit 77

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

# What mpirun calls instead of ssh: HOST COMMAND...
cat >agent <<AGENT
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
case \$1 in 10.77.0.1) host=$one ;; *) host=$two ;; esac
shift
exec ip netns exec \$host unshare -u sh -c "hostname \$host; \$*"
AGENT
chmod +x agent

link() { # GBIT MS
    [ -z "$relay" ] || { kill -9 "$relay"; wait "$relay" 2>/dev/null; }
    ./link_relay "$one" 10.77.0.1 "$two" 10.77.0.2 "$1" "$2" >ready &
    relay=$!
    until grep -q ready ready; do sleep .1; done
}

by_agent=(--mca plm_rsh_agent "$work/agent") # Open MPI 4; 5 has another launcher
mpirun.openmpi --version 2>/dev/null | grep -q ' 4\.' || by_agent=(--prtemca plm_ssh_agent "$work/agent")
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
launch() { # MPI COMMAND...: one process on each host
    local mpi=$1
    shift
    if [ "$mpi" = openmpi ]; then
        ip netns exec "$one" unshare -u sh -c "hostname $one; exec \"\$@\"" sh mpirun.openmpi "${by_agent[@]}" --mca btl tcp,self --mca btl_tcp_if_include link0 --mca oob_tcp_if_include link0 \
            --host 10.77.0.1:1,10.77.0.2:1 -n 2 "$@"
    else
        UCX_TLS=tcp,self UCX_NET_DEVICES=link0 ip netns exec "$one" unshare -u sh -c "hostname $one; exec \"\$@\"" sh mpirun.mpich \
            -launcher ssh -launcher-exec "$work/agent" -iface link0 -hosts 10.77.0.1,10.77.0.2 -ppn 1 -n 2 "$@"
    fi
}

options=(--motion "$root/assets/motions/sim_backflip.txt" --threads 1 --evaluate-every 0 --seed 7)
small=(--envs 16 --shard 4 --hidden1 32 --hidden2 16)
if [ -z "$measure" ]; then
    "$amble" train "${options[@]}" "${small[@]}" --out plain --samples 4096 2>err || { cat err; exit 1; }
fi

for mpi in openmpi mpich; do
    [ -z "$measure" ] || break
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

# What an exchange takes: `amble-bench exchange` sums the gradients of the default networks.
if [ -x "$build/amble-bench" ]; then
    for mpi in openmpi mpich; do
        [ $mpi = openmpi ] && more=(--oversubscribe) || more=()
        echo "one host: $("mpirun.$mpi" "${more[@]}" -n 2 "$build/amble-bench" exchange 2>err | tail -n 1)"
    done
    for mpi in openmpi mpich; do
        for gbit in 1 10; do
            for ms in .1 1; do
                link $gbit $ms
                echo "$gbit Gbit/s, $ms ms: $(launch $mpi "$build/amble-bench" exchange --gbit $gbit --ms $ms 2>err | tail -n 1)"
            done
        done
    done
fi
[ $failed = 0 ]
