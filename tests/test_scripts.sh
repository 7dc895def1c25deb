#!/usr/bin/env bash
# run.sh and test.sh, in a copy with fake cmake, ctest, apt-get and amble: the build's folder and options, when clips are fetched, and what is
# printed. Its last lines count like cmocka's. Needs no network and builds nothing.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-scripts-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
unset AMBLE_CLIPS CI CMAKE_GENERATOR

passed=0
failed=()
skipped=0
skip() { # skip REASON: one skipped test, or group of tests
    skipped=$((skipped + 1))
    printf 'SKIPPED: %s\n' "$1"
}
check() { # check NAME COMMAND...: passes if the command does
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed+=("$name")
        printf '[  FAILED  ] %s: failed: %s\n' "$name" "$*"
        sed 's/^/    out: /' "$work/out" | head -n 8
        sed 's/^/    err: /' "$work/err" | head -n 8
    fi
}

# ---- The copy ----

tree=$work/tree/amble
mkdir -p "$tree/scripts" "$tree/assets" "$tree/base" "$tree/.deps/mujoco-0/lib" "$work/bin"
cp "$root/run.sh" "$root/test.sh" "$tree"
cp "$root/scripts/deps.sh" "$tree/scripts"
: >"$tree/.deps/mujoco-0/lib/libmujoco.so.0"
export LOG=$work/log TREE=$tree
cat >"$tree/scripts/get-clips.sh" <<'END'
#!/bin/sh
echo "get-clips $*" >>"$LOG"
[ ! -e "$TREE/offline" ] || exit 1
mkdir -p "$1" && echo '{}' >"$1/humanoid3d_walk.txt"
END
# A build makes an amble that tells how it was called; the words in $TREE/build_says are its output, one every second.
cat >"$work/bin/cmake" <<'END'
#!/bin/bash
echo "cmake $*" >>"$LOG"
case $1 in
--version) echo 'cmake version 3.25.1' ;;
--preset)
    folder=$TREE/build
    [ "$2" = release ] || folder=$folder-$2
    printf '%s\n' "CMAKE_HOME_DIRECTORY:INTERNAL=$TREE" "$@" >"$folder/CMakeCache.txt"
    ;;
--build)
    if [ -e "$TREE/build_says" ]; then while read -r line; do echo "$line"; sleep 1; done <"$TREE/build_says"; fi
    if [ -e "$TREE/broken" ] && [ "$(basename "$2")" = build-test ]; then echo 'a.c:1: error: no'; exit 1; fi
    printf '#!/bin/sh\necho "amble $*"\necho "clips ${AMBLE_CLIPS:-none}"\nexit "${AMBLE_STATUS:-0}"\n' >"$2/amble"
    chmod +x "$2/amble"
    ;;
esac
END
cat >"$work/bin/ctest" <<'END'
#!/bin/bash
echo "ctest $*" >>"$LOG"
folder=$2/Testing/Temporary
mkdir -p "$folder"
cp "$TREE/tests_log" "$folder/LastTest.log"
printf '%s\n' 'Test project /x' '      Start  1: slow' '      Start  2: quick' ' 1/2 Test  #2: quick ....   Passed    0.01 sec'
sleep "${TEST_S:-0}"
printf '%s\n' ' 2/2 Test  #1: slow .....   Passed    3.00 sec' '100% tests passed, 0 tests failed out of 2'
END
cat >"$work/bin/apt-get" <<'END'
#!/bin/sh
echo "apt-get $*" >>"$LOG"
exit 1
END
cp "$work/bin/apt-get" "$work/bin/sudo"
printf '#!/bin/sh\nexit 0\n' >"$work/bin/python3" # there is pip
chmod +x "$work"/bin/* "$tree"/*.sh "$tree/scripts/get-clips.sh"
export PATH=$work/bin:$PATH
cd "$work" || exit 1

# call COMMAND...: its output in out and err, its exit status in $status, what it called in log
call() {
    : >"$LOG"
    "$@" >out 2>err </dev/null
    status=$?
}
no_clips() { rm -rf "$tree/clips"; }
fetched() { grep -q '^get-clips' "$LOG"; }
not() { ! "$@"; }

# ---- run.sh ----

call "$tree/run.sh" --help
if grep -q '^apt-get' "$LOG" && [ "$status" -eq 2 ]; then
    skip 'run.sh and test.sh: the packages that amble is built with are not all installed'
    echo "[  SKIPPED ] 1 test(s)."
    exit 0
fi
check 'run.sh --help' test "$status" -eq 0 -a "$(head -n 1 out)" = 'amble --help'
check 'run.sh builds all programs' grep -q -- "^cmake --build $tree/build .*--target programs" "$LOG"
check 'run.sh does not make warnings errors' grep -q -- '^cmake --preset release.*-DAMB_WERROR=OFF' "$LOG"
for shell in dash sh 'bash --posix'; do
    command -v "${shell%% *}" >/dev/null 2>&1 || continue
    # shellcheck disable=SC2086 # a command and its option
    call $shell "$tree/run.sh" model info 'two words.onnx'
    check "$shell run.sh" test "$status" -eq 0 -a "$(head -n 1 out)" = 'amble model info two words.onnx'
    # shellcheck disable=SC2086
    call $shell "$tree/test.sh" nonsense
    check "$shell test.sh" test "$status" -eq 2
    check "$shell test.sh, one sentence" test "$(wc -l <err)" -eq 1
done
call "$tree/run.sh"
check 'run.sh alone needs no clips' not fetched
check 'run.sh alone runs the tour' grep -q '^amble rollout --style-schedule .*tour.txt' out
AMBLE_STATUS=7 call "$tree/run.sh" style list
check "run.sh's status is amble's" test "$status" -eq 7

# needs ARGUMENTS...: what run.sh asks before it looks for clips
needs() { (root=$tree && . "$tree/scripts/deps.sh" && amb_needs_clips "$@"); }
: >file.txt
while read -r -a words; do
    check "no clips for ${words[*]}" not needs "${words[@]}"
done <<'END'
--help
--version
style list
style export walk -o out.txt
model info walk
model check walk.onnx
train --help
train -m walk --help
fit phase --usage
clip info -?
clip info file.txt
clip convert file.txt out.csv
rollout --style walk --seconds 1
rollout --policy walk.onnx --style walk
rollout --policy walk.onnx --motion file.txt
rollout --motion file.txt --policy walk.onnx
rollout --policy=locomotion.onnx
rollout
eval --style random --policy x.onnx
train --style random
train --motion=file.txt
rollout --motion walk --clips elsewhere
END
while read -r -a words; do
    check "clips for ${words[*]}" needs "${words[@]}"
done <<'END'
clip info walk
clip style walk
train --motion walk --out runs/walk
train -m walk
train -mwalk
train --motion=walk
train --resume runs/walk/checkpoint.bin
rollout --no-policy --motion walk
rollout --policy walk.onnx
eval -p walk.onnx --push 1,2
style export --style-from walk -o out.txt
fit phase
END
no_clips
call "$tree/run.sh" style list
check 'no clips are fetched for a command without' not fetched
check 'and none are named' grep -q -x 'clips none' out
call "$tree/run.sh" clip info walk
check 'clips are fetched for a command with' fetched
check 'amble is told where' test "$(tr '\n' ';' <out)" = "amble clip info walk;clips $tree/clips;"
call "$tree/run.sh" clip info walk
check 'they are not fetched again' not fetched
no_clips
: >"$tree/offline"
AMBLE_STATUS=2 call "$tree/run.sh" clip info walk
check 'offline, amble has the last word' test "$status" -eq 2 -a "$(head -n 1 out)" = 'amble clip info walk'
AMBLE_CLIPS=$work call "$tree/run.sh" clip info walk
check 'AMBLE_CLIPS without clips is said' grep -q '^amble: AMBLE_CLIPS names' err
check 'and nothing fetched' not fetched
rm "$tree/offline"

# ---- test.sh ----

cat >"$tree/tests_log" <<'END'
[  PASSED  ] 5 test(s).
SKIPPED: there is no moon
[  SKIPPED ] 2 test(s).
SKIPPED: there is no moon
[  PASSED  ] 3 test(s).
SKIPPED: there is no sun
[  SKIPPED ] 2 test(s), listed below:
END
call "$tree/test.sh"
if grep -q '^apt-get install' "$LOG" && [ "$status" -eq 2 ]; then
    skip 'test.sh: the packages that the tests need are not all installed'
else
    check 'test.sh passes' test "$status" -eq 0
    check 'its closing line' test "$(tail -n 1 out)" = '8 passed, 0 failed, 4 skipped'
    check 'reasons above it' test "$(tail -n 5 out | head -n 4 | tr -s ' ' | tr '\n' ';')" = 'skipped:; 2 there is no moon; 1 there is no sun; 1 without a reason;'
    check 'how long it takes, first' grep -q '^amble: .*minutes' <(head -n 1 err)
    check 'test.sh builds in a folder of its own' not grep -q -E -- "^cmake .*(--preset release|$tree/build( |$))" "$LOG"
    check 'and there warnings are errors' grep -q -- '^cmake --preset test.*-DAMB_WERROR=ON' "$LOG"

    : >"$tree/broken"
    call "$tree/test.sh"
    check 'a build that fails' test "$status" -eq 1 -a "$(tail -n 1 out)" = '0 passed, 1 failed'
    check 'its error is shown' grep -q 'a.c:1: error: no' err
    call "$tree/run.sh" style list
    check 'run.sh works after it' test "$status" -eq 0 -a "$(head -n 1 out)" = 'amble style list'
    rm "$tree/broken"

    printf '[%d/3] thing.c\n' 1 2 3 >"$tree/build_says"
    AMB_PROGRESS_S=1 TEST_S=3 call "$tree/test.sh"
    check 'a long build says how far it is' grep -q -E '^amble: building: \[[123]/3\]$' err
    check 'a long test is named' grep -q -x 'amble: release: running slow' err
    check 'a test is shown when it is done' grep -q '1/2 Test' out
    check 'each stage begins and ends with a line' test "$(grep -c -E '^amble: release: (building|testing|[0-9]+ s)' err)" -eq 3
fi

echo "[==========] $((passed + ${#failed[@]})) test(s) run."
echo "[  PASSED  ] $passed test(s)."
[ "$skipped" -gt 0 ] && echo "[  SKIPPED ] $skipped test(s)."
if [ ${#failed[@]} -gt 0 ]; then
    echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
    printf '[  FAILED  ] %s\n' "${failed[@]}"
    exit 1
fi
exit 0
