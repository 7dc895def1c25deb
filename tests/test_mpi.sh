#!/usr/bin/env bash
# amble train as mpirun starts it, with each MPI that is installed: the same checkpoint, bit for bit, as one process; going on with another
# number of processes; gradients in bf16; a folder that is converted; a process that is killed, one that hangs, a job that is stopped; what is refused, in one sentence; --supervise.
#
#   tests/test_mpi.sh PATH/TO/amble
#
# Its last lines count like cmocka's. All processes are on this machine; scripts/check-mpi.sh has several hosts. No test depends on times.
set -u

amble=$(realpath "$1") || exit 1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-mpi-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export AMBLE_ASSETS=${AMBLE_ASSETS:-$root/assets}
# Open MPI asks for these where root starts it, and where there are more processes than cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMPI_MCA_btl_vader_single_copy_mechanism=none
# Else Open MPI kills a second after SIGTERM, however far the saving is.
export OMPI_MCA_odls_base_sigkill_timeout=5 PRTE_MCA_odls_base_sigkill_timeout=5

passed=0
failed=0
skipped=0
pass() { passed=$((passed + 1)); }
skip() {
    skipped=$((skipped + 1))
    printf 'SKIPPED: %s\n' "$1"
}
bad() { # NAME WHAT
    failed=$((failed + 1))
    printf '[  FAILED  ] %s: %s\n' "$1" "$2"
    sed 's/^/    stderr: /' err 2>/dev/null | head -n 20
}
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then pass; else bad "$name" "failed: $*"; fi
}
# A small training: 4 shards of 4 environments.
options=(--motion "$root/assets/motions/sim_backflip.txt" --envs 16 --shard 4 --hidden1 32 --hidden2 16 --threads 1 --evaluate-every 0 --seed 7)
train() { # FOLDER [OPTIONS]: in one process
    "$amble" train "${options[@]}" --out "$@" >out 2>err
    status=$?
}
train_on() { # MPI RANKS FOLDER [OPTIONS]
    local launcher=mpirun.$1 ranks=$2
    shift 2
    "$launcher" -n "$ranks" "$amble" train "${options[@]}" --out "$@" >out 2>err
    status=$?
}
hash_on() { # [LAUNCHER...]: of a rollout in which motions are invented and characters are pushed
    "$@" "$amble" rollout --style walk:0.6,zombie:0.4 --envs 5 --seconds 1 --push 1,.4 --threads 1 --precision int8 --json - 2>err |
        sed -n 's/.*"hash": "\([0-9a-f]*\)".*/\1/p'
}
sentences() { grep -c '^amble: ' err; }

mpis=()
for mpi in openmpi mpich; do
    if [ ! -e "$(dirname "$amble")/amble-exchange-$mpi.so" ]; then
        skip "training over MPI: amble-exchange-$mpi.so was not built (packages libopenmpi-dev, libmpich-dev)"
    elif ! command -v mpirun.$mpi >/dev/null 2>&1; then
        skip "training over MPI: mpirun.$mpi is not installed"
    else
        mpis+=("$mpi")
    fi
done

"$amble" --version >out
for mpi in "${mpis[@]}"; do
    check "--version names $mpi" grep -qi "^exchange between processes:.*${mpi/open/open }" out
done

# What no MPI is needed for.
SLURM_STEP_NUM_TASKS=4 "$amble" train "${options[@]}" --out mute >out 2>err
check 'srun without a connection is refused' [ "$?/$(sentences)" = 2/1 ]
check 'and how to make one is said' grep -q -e '--mpi=pmix' err
mkdir elsewhere
cp "$amble" elsewhere/amble
OMPI_COMM_WORLD_SIZE=2 elsewhere/amble train "${options[@]}" --out none >out 2>err
check 'a launcher without its plug-in is refused' [ "$?/$(sentences)" = 2/1 ]
check 'the plug-in is named' grep -q 'amble-exchange-openmpi.so was not found in' err
check 'and nothing was begun' [ ! -e none -a ! -e mute ]
AMBLE_EXCHANGE=none OMPI_COMM_WORLD_SIZE=2 elsewhere/amble train "${options[@]}" --out none --samples 512 >out 2>err
check 'unless AMBLE_EXCHANGE=none says that this is one process' [ "$?" = 0 ]

# --supervise: a training that is killed goes on; what cannot be done is not tried again.
train plain --samples 4096
check 'one process' [ $status = 0 ]
"$amble" train "${options[@]}" --out watched --samples 4096 --save-minutes 0 --supervise >out 2>err &
supervisor=$!
for _ in $(seq 600); do
    [ -e watched/checkpoint.bin ] && break
    sleep .1
done
pkill -KILL -P $supervisor
wait $supervisor
check 'a supervised training that was killed is done all the same' [ $? = 0 ]
check 'and has the same result' cmp -s plain/checkpoint.bin watched/checkpoint.bin
"$amble" train "${options[@]}" --motion nowhere --out unknown --supervise >out 2>err
check 'a supervised training that is not possible' [ "$?/$(sentences)" = 2/1 ]

# A folder of motions of several kinds, one of them broken.
mkdir takes takes/more
cp "$root"/assets/motions/sim_*.txt takes
cp "$root"/tests/fuzz/corpus/bvh/{own,mm,soma}.bvh takes/more
head -c 3000 takes/more/own.bvh >takes/more/cut.bvh
convert_to() { # FOLDER [LAUNCHER...]
    local out=$1
    shift
    "$@" "$amble" clip convert takes -o "$out" --loop auto --threads 1 --json "$out.json" >"$out.out" 2>err
    status=$?
    grep '^amble: ' err >"$out.err"
    sed -i "s,$out/,TO/,g" "$out.json" "$out.out"
}
convert_to alone
check 'a folder with a broken file is converted' [ "$status/$(find alone -type f | wc -l)" = "2/$(find takes -type f ! -name cut.bvh | wc -l)" ]

hash=$(hash_on)
for mpi in "${mpis[@]}"; do
    for ranks in 2 3; do
        rm -rf many
        train_on "$mpi" $ranks many --samples 4096
        check "$mpi: $ranks processes" [ $status = 0 ]
        check "$mpi: $ranks processes are said" grep -q "^Training .* $ranks processes (" err
        check "$mpi: the same checkpoint with $ranks processes" cmp -s plain/checkpoint.bin many/checkpoint.bin
        check "$mpi: the same actor with $ranks processes" cmp -s plain/actor.onnx many/actor.onnx
    done
    rm -rf half
    train_on "$mpi" 3 half --samples 2048
    train_on "$mpi" 2 half --resume half/checkpoint.bin --samples 4096
    train part --samples 2048
    train rest --resume part/checkpoint.bin --samples 4096
    check "$mpi: going on with another number of processes" [ $status = 0 ]
    check "$mpi: to the same bits" cmp -s rest/checkpoint.bin half/checkpoint.bin
    rm -rf part rest

    # Several motions: the options' and another one.
    kick=(--motion "$root/assets/motions/sim_kick.txt" --mirrored .3)
    rm -rf one two
    train one "${kick[@]}" --samples 1024
    train one --continue "${kick[@]}" --samples 2048
    check "$mpi: two motions in one process" [ $status = 0 ]
    train_on "$mpi" 3 two "${kick[@]}" --samples 1024
    train_on "$mpi" 2 two --continue "${kick[@]}" --samples 2048
    check "$mpi: two motions on 3, then 2 processes" [ $status = 0 ]
    check "$mpi: two motions, the same bits" cmp -s one/checkpoint.bin two/checkpoint.bin
    rm -rf many
    train_on "$mpi" 2 many --samples 1024 --gradients-bf16 1
    train_on "$mpi" 4 many --resume many/checkpoint.bin --samples 2048
    train half16 --samples 1024 --gradients-bf16 1
    train rest --resume half16/checkpoint.bin --samples 2048
    check "$mpi: gradients in bf16, to the same bits" cmp -s rest/checkpoint.bin many/checkpoint.bin
    rm -rf half16 rest

    for ranks in 2 3; do
        rm -rf many
        convert_to many "mpirun.$mpi" -n $ranks
        check "$mpi: a folder converted by $ranks processes" [ $status = 2 ]
        check "$mpi: to the same files" diff -r alone many
        check "$mpi: with the same facts" cmp -s alone.json many.json
        check "$mpi: and the same lines" cmp -s alone.out many.out
        check "$mpi: and the same sentence about the broken one" cmp -s alone.err many.err
    done

    # Five characters on two and three processes: the hash is of all states.
    for ranks in 2 3; do
        check "$mpi: a rollout on $ranks processes has the hash of one" [ -n "$hash" -a "$hash" = "$(hash_on "mpirun.$mpi" -n $ranks)" ]
    done

    train_on "$mpi" 5 many5 --samples 512
    check "$mpi: more processes than shards are refused" grep -q '5 processes found, but only 4 shards' err
    train_on "$mpi" 2 nowhere --motion nowhere
    check "$mpi: a motion that is not there: one sentence" [ "$(sentences)" = 1 ]
    "mpirun.$mpi" -n 2 "$amble" clip info walk >out 2>err
    check "$mpi: what does not divide its work refuses" grep -q 'amble clip info does not divide its work' err

    # 0: by its launcher, that is mpirun; TERM, USR1: saved and left.
    for what in KILL STOP TERM USR1; do
        rm -rf lost
        "mpirun.$mpi" -n 2 "$amble" train "${options[@]}" --out lost --samples 1M --save-minutes 0 --rank-seconds 3 >out 2>err &
        launcher=$!
        for _ in $(seq 600); do
            [ -e lost/checkpoint.bin ] && break
            sleep .1
        done
        rank1=
        for pid in $(pgrep -f -- "--out lost --samples 1M"); do
            tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qE '^(OMPI_COMM_WORLD_RANK|PMI_RANK)=1$' && rank1=$pid
        done
        case $what in
        KILL | STOP) kill -$what "${rank1:-0}" ;;
        *) kill -$what $launcher ;;
        esac
        wait $launcher
        status=$?
        [ -z "$rank1" ] || kill -KILL "$rank1" 2>/dev/null
        case $what in
        STOP)
            check "$mpi: a process that hangs ends the job" [ $status != 0 ]
            check "$mpi: it is named" grep -q '^amble: rank 1 on .* did not answer within 3 s' err
            ;;
        KILL) check "$mpi: a process that is killed ends the job" [ $status != 0 ] ;;
        *) check "$mpi: after SIG$what it is saved" grep -q '^Stopped after' err ;;
        esac
        train lost --resume lost/checkpoint.bin --minutes .0001
        check "$mpi: after SIG$what it can go on" [ $status = 0 ]
    done
done

echo "[  PASSED  ] $passed test(s)."
[ $skipped -gt 0 ] && echo "[  SKIPPED ] $skipped test(s)."
[ $failed -gt 0 ] && echo "[  FAILED  ] $failed test(s)."
[ $failed -eq 0 ] && [ $passed -gt 0 ]
