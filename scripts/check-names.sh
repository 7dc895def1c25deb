#!/usr/bin/env bash
# A function's parameters are named in its definition as in its header (clang-tidy's readability-inconsistent-declaration-parameter-name).
# Prints each function that differs; exits with 1 if there is one, with 77 where clang-tidy is missing. Takes a few seconds.
#
#   scripts/check-names.sh BUILD      BUILD is a configured and built folder; its compile_commands.json says how files are compiled
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -eq 1 ] && [ -f "$1/compile_commands.json" ] || {
    echo "check-names: a build folder with compile_commands.json is expected, see the head of ${BASH_SOURCE[0]}" >&2
    exit 2
}
command -v clang-tidy >/dev/null 2>&1 || {
    echo 'check-names: skipped, clang-tidy is not installed (the package clang-tidy)' >&2
    exit 77
}
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-names-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT

check=readability-inconsistent-declaration-parameter-name
# The files that this build compiles, without generated ones.
sed -n 's/^ *"file": "\(.*\.c\)",\{0,1\}$/\1/p' "$1/compile_commands.json" | grep "^$root/" | grep -v '\.pb-c\.c$' | sort -u >"$work/files"
if [ "$(wc -l <"$work/files")" -lt 100 ]; then
    echo "check-names: $1/compile_commands.json names $(wc -l <"$work/files") files of $root, expected at least 100" >&2
    exit 2
fi
# The build may warn with gcc's options, which clang does not know. IgnoreMacros would pass every function that returns a `bool`.
xargs -P "$(nproc)" -n 8 clang-tidy -p "$1" --quiet --checks="-*,$check" --extra-arg=-Wno-error --extra-arg=-Wno-unknown-warning-option \
    --config="{CheckOptions: [{key: $check.Strict, value: true}, {key: $check.IgnoreMacros, value: false}]}" <"$work/files" >"$work/out" 2>"$work/err"
if grep -h -e ' error: ' -e '^Error while' "$work/out" "$work/err" >"$work/errors"; then
    sort -u "$work/errors" | head >&2
    echo 'check-names: clang-tidy could not read these files' >&2
    exit 2
fi
# What is declared in the system's headers (tests replace some functions) has names of its own.
awk -v root="$root/" '
/: warning: / { line = ""; if (index($0, root) == 1) { line = substr($0, length(root) + 1); sub(/ \[readability.*/, "", line) } }
/: note: differing parameters/ && line != "" { sub(/.*named here: /, ""); print line ": " $0 }
' "$work/out" | sort -u >"$work/found"
[ -s "$work/found" ] || exit 0
cat "$work/found"
echo "check-names: functions whose definition names a parameter otherwise than their header: $(wc -l <"$work/found")" >&2
exit 1
