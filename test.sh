#!/usr/bin/env bash
# Builds with warnings as errors and runs the tests.
#
#   ./test.sh          the optimised build and all tests
#   ./test.sh --all    also AddressSanitizer + UndefinedBehaviorSanitizer, ThreadSanitizer, without OpenMP, clang, formatting (CI=true means this)
#
# Installs what is missing like run.sh. The last line counts the test cases that ran in all builds together; a build or check that failed
# counts as one failed. Nothing here judges by time. Exit status 0: everything passed.
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
    # shellcheck disable=SC2086 # the options are several words
    ctest --test-dir "$folder" --parallel "$(nproc)" --output-on-failure --no-tests=error $tests </dev/null 2>&1 | grep -v -E '^(Internal ctest|Test project|      Start )'
    local status=${PIPESTATUS[0]}
    count "$folder/Testing/Temporary/LastTest.log" "$status"
    amb_say "$title: $((SECONDS - start)) s"
}

# Adds up what the cmocka programs reported; one that ended without a report (a crash, a time-out) is one failure.
count() {
    local log=$1 status=$2 ok bad lost
    ok=$(total PASSED "$log")
    bad=$(total FAILED "$log")
    skipped=$((skipped + $(total SKIPPED "$log")))
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
        amb_say "formatting: not checked, clang-format 14 is needed (other versions format differently) and this is $($tool --version)"
        return
    fi
    local files
    files=$(cd "$root" && find base nets sim policy cli viewer bench tests -name '*.[ch]' -print0 |
        xargs -0 -r "$tool" --dry-run --Werror --style=file 2>&1 | sed -n 's/:[0-9]*:[0-9]*: error: code should be.*//p' | sort -u)
    if [ -z "$files" ]; then
        amb_say "formatting: as .clang-format says"
    else
        # shellcheck disable=SC2086 # one file a word
        amb_say "formatting: run $tool -i on" $files
        failed=$((failed + 1))
    fi
}

groups=(build viewer tests viewer_tests)
[ "$all" = true ] && groups+=(checks)
amb_install "${groups[@]}"
[ "$all" = true ] && amb_install tsan
amb_find_clips || exit 1
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(nproc)}

stage release release ''
if [ "$all" = true ]; then
    stage 'address and undefined-behaviour sanitizers' sanitize ''
    stage 'thread sanitizer' tsan '-L threads'
    stage 'without OpenMP' no-openmp '-E ^(viewer|bench)$'
    stage clang clang '-E ^(viewer|bench|cli)$'
    formatting
fi

line="$passed passed, $failed failed"
[ "$skipped" -gt 0 ] && line="$line, $skipped skipped"
echo "$line"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
