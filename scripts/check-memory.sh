#!/usr/bin/env bash
# What the programs do when they get no memory, or no threads: run again and again, another request for memory failing each time, in every
# module that allocates (MuJoCo, oneDNN, libgomp, protobuf-c, jansson, amble). Each try must end with status 0 and the results that an
# undisturbed run has, or with status 2 and a sentence of amble's own (1 where `train` and `fit` could not keep what they had made); never
# by a signal, never with another status, never without a sentence, and no MUJOCO_LOG.TXT or half-written file stays. Prints what it found;
# exits with 1 where a try went otherwise.
#
#   scripts/check-memory.sh [--tries N] [--jobs J] [--case NAME] BUILD      N tries of each case (500); J at a time (the number of cores)
#
# BUILD is a build folder with tests (its libfail_alloc.so is preloaded). Requests that OpenGL drivers make for themselves are left alone.
set -u

tries=500
jobs=$(nproc)
only=
while [ $# -gt 1 ]; do
    case $1 in
    --tries) tries=$2 ;;
    --jobs) jobs=$2 ;;
    --case) only=$2 ;;
    *)
        echo "check-memory: $1 is not known, see the head of ${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
    esac
    shift 2
done
[ $# -eq 1 ] && [ -x "$1/amble" ] || {
    echo "check-memory: a build folder is expected, see the head of ${BASH_SOURCE[0]}" >&2
    exit 2
}
build=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export AMB_FAIL=${AMB_FAIL:-$build/tests/libfail_alloc.so}
[ -f "$AMB_FAIL" ] || {
    echo "check-memory: $AMB_FAIL is missing: build with tests, without sanitizers" >&2
    exit 2
}
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-memory-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export AMBLE_ASSETS=${AMBLE_ASSETS:-$root/assets} OMP_PROC_BIND=false OMP_WAIT_POLICY=passive LIBGL_ALWAYS_SOFTWARE=1
unset AMBLE_CLIPS DISPLAY WAYLAND_DISPLAY FAIL_ALLOC_FIRST FAIL_ALLOC_COUNT FAIL_ALLOC_SIZE FAIL_ALLOC_LOG FAIL_ALLOC_SKIP FAIL_ALLOC_TRACE

amble=$build/amble
view=$build/amble-view
mkdir clips
"$amble" style export walk -o clips/humanoid3d_mine.txt >/dev/null 2>&1 || exit 2
clip=$work/clips/humanoid3d_mine.txt
numpy=$root/tests/data/npy/model
net=$numpy/net.onnx

# A case: its name, and what is run in a folder of its own. out/ is made by the program, o.json are its results.
cases=()
command_of=()
add() {
    [ -z "$only" ] || [ "$only" = "$1" ] || return 0
    cases+=("$1")
    shift
    command_of+=("$(printf '%q ' "$@")")
}
add rollout "$amble" rollout --motion "$clip" --policy walk.onnx --envs 2 --seconds .2 --threads 2 --json o.json
add styles "$amble" rollout --style walk:.7,zombie:.3 --envs 1 --seconds .3 --threads 2 --json o.json --record out.txt
add train "$amble" train --motion "$clip" --samples 256 --envs 8 --steps 16 --hidden1 32 --hidden2 32 --minibatches 2 --epochs 1 \
    --evaluate-every 128 --threads 2 --out out --json o.json
add fit "$amble" fit phase --clips "$work/clips" --samples 512 --batch 128 --threads 2 --out out --json o.json
add eval "$amble" eval --motion "$clip" --policy walk.onnx --envs 1 --seeds 1 --seconds .2 --threads 2 --json o.json
add run "$amble" model run "$net" --input "$numpy/in.npy" --output out.npy --threads 2
lstm=$root/tests/data/graph/exports/rsl_lstm_batch
add graph "$amble" model run "$lstm.onnx" --input "obs=$lstm.in.obs.npy" --input "h_in=$lstm.in.h_in.npy" --input "c_in=$lstm.in.c_in.npy" --output out.npz
add check "$amble" model check "$net" --rows 4 --json o.json
if [ -x "$view" ]; then
    add picture "$view" --screenshot out.png --seconds .1 --size 160x120 --json o.json
    command -v ffmpeg >/dev/null && add film "$view" --record out.gif --seconds .1 --size 160x120 --fps 10 --json o.json
fi

# What is the same in every undisturbed run: the names of all files, and JSON without the numbers that measure time.
results() {
    find . -mindepth 1 ! -name 'events.out.tfevents*' ! -name err ! -name stdout ! -name count -printf '%P %y\n' | sort
    [ ! -f o.json ] || sed -E 's/: *-?[0-9][-+.e0-9]*(,?)$/: number\1/; /"name"|"folder"|"renderer"/d' o.json
}

# try NAME FOLDER SIZE FIRST COUNT COMMAND: one line, "ok", or what was wrong with a try.
try() {
    local name=$1 folder=$2 size=$3 first=$4 count=$5 status wrong=
    exec 2>/dev/null # where the shell says that a program was killed
    mkdir "$folder" && cd "$folder" || exit 2
    eval "set -- $6"
    timeout -k 5 120 env FAIL_ALLOC_SIZE="$size" FAIL_ALLOC_FIRST="$first" FAIL_ALLOC_COUNT="$count" \
        FAIL_THREADS_FIRST="${FAIL_THREADS:-0}" LD_PRELOAD="$AMB_FAIL" "$@" >stdout 2>err
    status=$?
    if [ "$status" -eq 0 ]; then
        [ "$(results)" = "$(cat "$name.results")" ] || wrong="status 0 with other results"
    elif [ "$status" -ne 2 ] && ! { [ "$status" -eq 1 ] && [[ ${name##*/} == train || ${name##*/} == fit ]]; }; then
        wrong="status $status"
    elif ! grep -q -E '^amble(-[a-z]+)?( [a-z]+)*: .' err; then
        wrong="status $status without a sentence"
    fi
    [ -z "$(find . -iname 'mujoco_log*' -o -name '*.tmp*')" ] || wrong="$wrong, $(find . -iname 'mujoco_log*' -o -name '*.tmp*' | tr '\n' ' ')"
    if [ -n "$wrong" ]; then
        printf 'bad %s size=%s first=%s count=%s: %s: %s\n' "${name##*/}" "$size" "$first" "$count" "$wrong" \
            "$(tail -n 2 err | cut -c 1-200 | tr '\n' ' ')"
    else
        echo "ok $status"
    fi
    cd / && rm -rf "$folder"
}
export -f try results

# Tries of a case: a third each with all sizes, from 512 bytes and from 16 KiB; half with one failure and half with all that follow failing.
list_tries() {
    local kind size count total n i step
    for kind in '0 1' '0 0' '512 1' '512 0' '16384 1' '16384 0'; do
        read -r size count <<<"$kind"
        total=$(cat "$1.$size")
        n=$((tries / 6 > total ? total : tries / 6))
        for ((i = 0; i < n; i++)); do
            echo "$size $((1 + i * total / n + (i * 7919 % (total / n > 0 ? total / n : 1)))) $count"
        done
    done
}

choose_skip() {
    case $1 in
    picture | film) export FAIL_ALLOC_SKIP=libLLVM:gallium:libGL:libEGL:OSMesa:swrast:libdrm:libX:libglapi:libxcb:libgbm:libwayland:libedit:libexpat ;;
    *) unset FAIL_ALLOC_SKIP ;;
    esac
}

bad=0
all=0
for k in "${!cases[@]}"; do
    name=$work/${cases[$k]}
    choose_skip "${cases[$k]}"
    for size in 0 512 16384; do
        mkdir "$name.whole" && cd "$name.whole" || exit 2
        eval "set -- ${command_of[$k]}"
        if ! env FAIL_ALLOC_SIZE="$size" FAIL_ALLOC_LOG="$name.$size" LD_PRELOAD="$AMB_FAIL" "$@" >stdout 2>err; then
            echo "check-memory: ${cases[$k]} fails undisturbed: $(tail -n 1 err)" >&2
            exit 2
        fi
        results >"$name.results"
        cd "$work" && rm -rf "$name.whole"
    done
    list_tries "$name" >"$name.tries"
    n=0
    while read -r size first count; do
        printf '%s\0%s\0%s\0%s\0%s\0' "$name" "$name.$((n += 1))" "$size" "$first" "$count"
    done <"$name.tries" | COMMAND=${command_of[$k]} xargs -0 -n 5 -P "$jobs" bash -c 'try "$@" "$COMMAND"' try >"$name.found"
    tried=$(wc -l <"$name.found")
    wrong=$(grep -c '^bad' "$name.found")
    printf '%-8s %6d requests for memory, %5d tries: %5d done all the same, %5d sentences, %5d bad\n' "${cases[$k]}" "$(cat "$name.0")" \
        "$tried" "$(grep -c '^ok 0' "$name.found")" "$(grep -c '^ok [12]' "$name.found")" "$wrong"
    grep '^bad' "$name.found" | head -n "${SHOW:-10}"
    bad=$((bad + wrong))
    all=$((all + tried))
done

# No thread can be started: fewer are used.
if [ -z "$only" ]; then
    for k in "${!cases[@]}"; do
        name=$work/${cases[$k]}
        choose_skip "${cases[$k]}"
        found=$(FAIL_THREADS=1 try "$name" "$name.threads" 0 0 0 "${command_of[$k]}")
        all=$((all + 1))
        if [[ $found == bad* ]]; then
            bad=$((bad + 1))
            echo "without threads: $found"
        fi
    done
fi
echo "$all tries, $bad bad"
[ "$bad" -eq 0 ]
