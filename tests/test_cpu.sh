#!/usr/bin/env bash
# On a CPU without AVX, on which libmujoco dies before main(), every program prints one sentence and exits with status 2, whatever its arguments.
#
#   tests/test_cpu.sh PROGRAM...
#
# qemu emulates the CPU. Its last lines count like cmocka's.
set -u

passed=0
failed=()
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-cpu-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

finish() {
    echo "[==========] $# program(s)."
    echo "[  PASSED  ] $passed test(s)."
    if [ ${#failed[@]} -gt 0 ]; then
        echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
        printf '[  FAILED  ] %s\n' "${failed[@]}"
        exit 1
    fi
    exit 0
}

if ! command -v qemu-x86_64 >/dev/null 2>&1; then
    echo 'SKIPPED: a CPU without AVX: qemu-x86_64 is missing (package qemu-user)'
    echo '[  SKIPPED ] 1 test(s).'
    finish "$@"
fi
for program in "$@"; do
    name=$(basename "$program")
    for argument in --version --help --no-such-option; do
        timeout 300 qemu-x86_64 -cpu Nehalem "$program" $argument >"$work/out" 2>"$work/err" </dev/null
        status=$?
        grep -v '^qemu-x86_64: warning' "$work/err" >"$work/sentence"
        if [ $status -eq 2 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/sentence")" -eq 1 ] && grep -q "^$name: .*no AVX" "$work/sentence"; then
            passed=$((passed + 1))
        else
            failed+=("$name $argument: exit status $status, $(head -n 2 "$work/err" | tr '\n' ' ')")
        fi
    done
done
# And one with AVX is not refused.
if timeout 300 qemu-x86_64 -cpu Nehalem,+xsave,+avx "$1" --version >"$work/out" 2>"$work/err" </dev/null; then
    passed=$((passed + 1))
else
    failed+=("$(basename "$1") with AVX: exit status $?, $(tail -n 1 "$work/err")")
fi
finish "$@"
