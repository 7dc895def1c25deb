#!/usr/bin/env bash
# Builds with warnings as errors, in folders of its own (build-test and others), and runs the tests.
#
#   ./test.sh          the optimised build and all tests
#   ./test.sh --all    also AddressSanitizer + UndefinedBehaviorSanitizer, ThreadSanitizer, clang without OpenMP, the newest gcc and clang
#                      that this system offers, formatting, parameter names (CI=true means this)
#
# Installs what is missing like run.sh. The last line counts the test cases that ran in all builds together; a build or check that failed
# counts as one failed, a check that could not be made as one skipped; above it stands why tests were skipped. Nothing here judges by time.
# AMB_PROGRESS_S: seconds between two lines about something that takes long (30). Exit status 0: everything passed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # called as `sh test.sh`
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/deps.sh
. "$root/scripts/deps.sh"

all=${CI:-false}
case ${1:-} in
'') ;;
--all) all=true ;;
*)
    amb_say "unknown argument '$1'; ./test.sh or ./test.sh --all"
    exit 2
    ;;
esac

passed=0
failed=0
skipped=0
reasons= # why, one line a skipped test

# skip REASON: a check that could not be made.
skip() {
    amb_say "skipped: $1"
    skipped=$((skipped + 1))
    reasons+=$1$'\n'
}

# stage TITLE PRESET TESTS [-D...]: configures, builds, and runs ctest with the options in TESTS ('none': builds only).
stage() {
    local title=$1 preset=$2 tests=$3 folder start=$SECONDS
    shift 3
    folder=$(amb_folder "$preset")
    amb_say "$title: building"
    if ! amb_configure "$preset" -DAMB_WERROR=ON -DAMB_TESTS=ON "$@" || ! amb_build "$preset"; then
        failed=$((failed + 1))
        return
    fi
    if [ "$tests" = none ]; then
        amb_say "$title: built in $((SECONDS - start)) s"
        return
    fi
    amb_say "$title: testing"
    # shellcheck disable=SC2086 # the options are several words
    ctest --test-dir "$folder" --parallel "$(nproc)" --output-on-failure --no-tests=error $tests </dev/null 2>&1 | follow_tests "$title"
    local status=${PIPESTATUS[0]}
    count "$folder/Testing/Temporary/LastTest.log" "$status"
    amb_say "$title: $((SECONDS - start)) s"
}

# Shows ctest's lines as they come; where none came for a while, which tests are running.
follow_tests() {
    local title=$1 last=$SECONDS status
    local -A running=()
    while :; do
        amb_read_line
        status=$?
        [ $status -ne 1 ] || break
        if [ $status -eq 2 ]; then
            :
        elif [[ $amb_line =~ ^\ +Start\ +[0-9]+:\ ([^ ]+) ]]; then
            running[${BASH_REMATCH[1]}]=1
        else
            ! [[ $amb_line =~ ^\ *[0-9]+/[0-9]+\ Test\ +#[0-9]+:\ ([^ ]+) ]] || unset "running[${BASH_REMATCH[1]}]"
            case $amb_line in
            'Internal ctest'* | 'Test project'*) ;;
            *)
                printf '%s\n' "$amb_line"
                last=$SECONDS
                ;;
            esac
        fi
        if [ $((SECONDS - last)) -ge "$amb_every" ]; then
            amb_say "$title: running ${!running[*]}"
            last=$SECONDS
        fi
    done
}

# Adds up what the cmocka programs reported; one that ended without a report (a crash, a time-out) is one failure.
count() {
    local log=$1 status=$2 ok bad lost
    ok=$(total PASSED "$log")
    bad=$(total FAILED "$log")
    skipped=$((skipped + $(total SKIPPED "$log")))
    reasons+=$(sed -n 's/^SKIPPED: //p' "$log")$'\n'
    lost=$(($(grep -c '^Test Failed' "$log") - $(grep -c '^\[  FAILED  \] [0-9]* test' "$log")))
    [ "$lost" -gt 0 ] && bad=$((bad + lost))
    [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    passed=$((passed + ok))
    failed=$((failed + bad))
}

# The sum of cmocka's lines '[  PASSED  ] 5 test(s).'
total() {
    sed -n "s/^\[ *$1 *\] \([0-9][0-9]*\) test.*/\1/p" "$2" | { sum=0; while read -r n; do sum=$((sum + n)); done; echo "$sum"; }
}

formatting() {
    local tool=clang-format
    command -v clang-format-14 >/dev/null 2>&1 && tool=clang-format-14
    if ! $tool --version | grep -q 'version 14\.'; then
        skip "formatting: clang-format 14 is needed (other versions format differently) and this is $($tool --version)"
        return
    fi
    local files
    files=$(cd "$root" && find . '(' -path './.*' -o -path './build*' ')' -prune -o -name '*.[ch]' -print0 |
        xargs -0 -r "$tool" --dry-run --Werror --style=file 2>&1 | sed -n 's/:[0-9]*:[0-9]*: error: code should be.*//p' | sort -u)
    if [ -z "$files" ]; then
        amb_say "formatting: as .clang-format says"
    else
        # shellcheck disable=SC2086 # one file a word
        amb_say "formatting: run $tool -i on" $files
        failed=$((failed + 1))
    fi
}

# Parameters are named in definitions as in headers.
parameter_names() {
    "$root/scripts/check-names.sh" "$(amb_folder test)"
    case $? in
    0) amb_say 'parameter names: as in the headers' ;;
    77) skip 'parameter names: clang-tidy is not installed' ;;
    *) failed=$((failed + 1)) ;;
    esac
}

# What for, of packages that nobody expects from the tests of a physics engine.
declare -A purpose=([ffmpeg]='makes films' [xvfb]='an X server without a screen' [xdotool]='presses keys in it' [python3-pip]='fetches MuJoCo, 26 MB'
    [qemu-user]='tries a CPU without AVX' [libgl1-mesa-dri]='draws without a graphics card')

# Says how long it takes and what it installs, before anything is done.
announce() {
    local package why=''
    if [ "$all" = true ]; then
        amb_say 'all builds and all tests: about 25 minutes on two cores'
    else
        amb_say 'builds in build-test/ and runs the tests: about 5 minutes on two cores'
    fi
    amb_check "${groups[@]}"
    for package in "${amb_missing[@]}"; do
        why+=", $package${purpose[$package]:+ (${purpose[$package]})}"
    done
    [ -z "$why" ] || amb_say "installs first${why/,/}"
    amb_have_clips || [ -n "${AMBLE_CLIPS:-}" ] || amb_say 'fetches motion clips into clips/: 74 MB, of which 1 MB is kept'
}

# newest TOOL: compiles all with the newest gcc or clang that there is, if the other stages do not.
newest() {
    local tool=$1 compiler options=()
    compiler=$(amb_newest "$tool")
    if [ -z "$compiler" ]; then
        amb_say "$tool: $("$tool" -dumpversion) is the newest here"
        return
    fi
    if ! command -v "$compiler" >/dev/null 2>&1 && ! amb_apt "$compiler"; then
        skip "$compiler, which this system offers, could not be installed"
        return
    fi
    # Debian has one version of clang's OpenMP at a time, and the other stages need the older one's.
    amb_has_openmp "$compiler" >/dev/null 2>&1 || options=(-DAMB_OPENMP=OFF)
    stage "$compiler" "newest-$tool" none "-DCMAKE_C_COMPILER=$compiler" "${options[@]}"
}

groups=(build viewer server tests viewer_tests server_tests)
[ "$all" = true ] && groups+=(checks)
announce
amb_install "${groups[@]}"
amb_install_if_possible 'drawing with OSMesa' "$(amb_folder test)/osmesa-packages" osmesa
amb_install_if_possible 'testing the Python package' "$(amb_folder test)/python-packages" python
[ "$all" = true ] && amb_install tsan
amb_find_clips || exit 1
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(nproc)}

stage release test ''
if [ "$all" = true ]; then
    once='scripts|mimickit|install|circles|structure|abi|api_docs' # these try scripts and the tree, whatever the compiler
    # fbx limits its memory, which AddressSanitizer does not bear.
    stage 'address and undefined-behaviour sanitizers' sanitize "-E ^(mpi|fbx|$once)$"
    stage 'thread sanitizer' tsan '-L threads'
    # One build for both: clang with OpenMP is the thread sanitizer's and the newest one's.
    stage 'clang, without OpenMP' no-openmp "-E ^(viewer|bench|cli|mpi|python|serve_live|memory|clips|$once)$" -DCMAKE_C_COMPILER=clang
    newest gcc
    newest clang
    formatting
    parameter_names
fi

if [ "$skipped" -gt 0 ]; then
    reasons=$(sed '/^$/d' <<<"$reasons" | sort | uniq -c | sort -rn)
    told=$(awk '{ n += $1 } END { print n + 0 }' <<<"$reasons")
    echo 'skipped:'
    [ -z "$reasons" ] || printf '%s\n' "$reasons"
    [ "$told" -ge "$skipped" ] || printf '%7d without a reason\n' $((skipped - told))
fi
line="$passed passed, $failed failed"
[ "$skipped" -gt 0 ] && line="$line, $skipped skipped"
echo "$line"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
