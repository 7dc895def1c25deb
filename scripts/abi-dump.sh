#!/bin/sh
# Writes what programs that were built against a public library rely on, its functions and types, to tests/abi/NAME.abi; with --check, compares
# with these files instead. Needs abigail-tools, and libraries with debug information.
#
#   scripts/abi-dump.sh BUILD [LIBRARY...]            default: libamble.so and others like it in BUILD
#   scripts/abi-dump.sh --check BUILD [LIBRARY...]
#
# A removed or changed function or type is a break: rather add one beside it, or a field at a definition's end. While the major version is 0 a
# break is allowed, and the CHANGELOG says so. The last lines count like cmocka's; exit status 1: something differs.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
check=false
[ "${1:-}" = --check ] && { check=true; shift; }
if [ $# -eq 0 ]; then
    sed -n 's/^#   //p' "$0"
    exit 2
fi
build=$1
shift
[ $# -gt 0 ] || set -- "$build"/*/libamble*.so
if ! command -v abidw >/dev/null 2>&1; then
    echo 'SKIPPED: abidw is not installed (Debian: abigail-tools): the ABI is not compared'
    echo '[  SKIPPED ] 1 test(s).'
    $check
    exit
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
for library in "$@"; do
    name=${library##*/}
    name=${name%%.so*}
    dump=$root/tests/abi/$name.abi
    # Without lines and folders: the same functions and types give the same file.
    abidw --headers-dir "$root/include/amble" --headers-dir "$build/include/amble" --drop-private-types --exported-interfaces-only \
        --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed --no-architecture --no-write-default-sizes --type-id-style hash \
        "$library" | sed "s/ path='[^']*\/\([^/']*\)'/ path='\1'/" >"$work/$name.abi"
    if ! grep -q '<function-decl' "$work/$name.abi"; then
        echo "[  FAILED  ] $library gives no functions: is it built with debug information (-g)?"
        failed=$((failed + 1))
    elif ! $check; then
        cp "$work/$name.abi" "$dump"
        passed=$((passed + 1))
    elif ! abidiff "$dump" "$work/$name.abi" >"$work/report"; then
        cat "$work/report"
        echo "[  FAILED  ] the ABI of $name differs from tests/abi/$name.abi; if that is meant: scripts/abi-dump.sh $build"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done
echo "[  PASSED  ] $passed test(s)."
[ $failed -eq 0 ] || echo "[  FAILED  ] $failed test(s)."
[ $failed -eq 0 ]
