#!/bin/sh
# The public headers, each separately, in every dialect that a host may be compiled in, with all warnings as errors; and that the library's
# exported functions are those of tests/abi/SYMBOLS and are declared in a header.
#
#   tests/test_headers.sh BUILD LIBRARY...    a library's list is tests/abi/NAME.symbols (libamble.so.0 -> libamble.symbols)
#   tests/test_headers.sh --write BUILD LIBRARY...    writes the lists instead
set -u
cd "$(dirname "$0")/.."
write=false
[ "$1" = --write ] && { write=true; shift; }
build=$1
shift
failed=0
passed=0

report() { # STATUS TEXT
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "[  FAILED  ] $2"
    fi
}

for header in include/amble/*.h; do
    name=amble/${header##*/}
    for dialect in c99 c11 c++11 c++20; do
        case $dialect in
        c++*) compiler=${CXX:-c++} language=c++ ;;
        *) compiler=${CC:-cc} language=c ;;
        esac
        if ! command -v "$compiler" >/dev/null 2>&1; then
            echo "skipped: $compiler is not installed, $dialect is not tried"
            continue
        fi
        printf '#include <%s>\nint main(void) { return 0; }\n' "$name" |
            "$compiler" -x $language -std=$dialect -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -I"$build/include" -
        report $? "$name as $dialect"
    done
done

for library in "$@"; do
    name=${library##*/}
    list=tests/abi/${name%%.*}.symbols
    found=$(nm -D --defined-only "$library" | sed -n 's/^[0-9a-f]* [A-Z] //p' | LC_ALL=C sort)
    if $write; then
        printf '%s\n' "$found" >"$list"
        continue
    fi
    printf '%s\n' "$found" | diff "$list" -
    report $? "what $name exports is what $list says (tests/test_headers.sh --write $build $library)"
    for symbol in $found; do
        grep -qE "\\b$symbol\\(" include/amble/*.h
        report $? "$symbol of $name is declared in a public header"
    done
done
echo "[  PASSED  ] $passed test(s)."
[ $failed = 0 ]
