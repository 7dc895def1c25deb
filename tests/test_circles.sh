#!/bin/sh
# Finds circular dependencies among the files of a module, from the symbols that each object file defines and needs (nm). The modules below
# must have none; the others (base, nets, session, options) still have some.
#
#   tests/test_circles.sh BUILD
set -eu
build=$1
root=$(cd "$(dirname "$0")/.." && pwd)
modules='motion sim policy learn viewer bench cli'
status=0
seen=0
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-circles-XXXXXX")
trap 'rm -rf "$work"' EXIT

for module in $modules; do
    [ -d "$build/$module" ] || continue # a build without a viewer
    # Without what an older build left behind of files that are gone.
    find "$build/$module" -name '*.o' | while read -r object; do
        [ ! -e "$root/$module/$(basename "$object" .o)" ] || echo "$object"
    done >"$work/objects"
    # lines "FILE DEFINES SYMBOL" and "FILE NEEDS SYMBOL", then pairs of files
    while read -r object; do
        nm "$object" | awk -v file="$(basename "$object" .o)" '
            NF == 3 && $2 ~ /^[TDRBGSC]$/ { print file, "DEFINES", $3 }
            NF == 2 && $1 == "U" { print file, "NEEDS", $2 }'
    done <"$work/objects" >"$work/symbols"
    awk '
        $2 == "DEFINES" { home[$3] = $1 }
        $2 == "NEEDS" { n++; file[n] = $1; symbol[n] = $3 }
        END {
            for (i = 1; i <= n; i++)
                if (symbol[i] in home && home[symbol[i]] != file[i])
                    print file[i], home[symbol[i]]
        }' "$work/symbols" | sort -u >"$work/pairs"
    seen=$((seen + $(wc -l <"$work/pairs")))
    tsort "$work/pairs" >/dev/null 2>"$work/loops" || true
    if [ -s "$work/loops" ]; then
        echo "$module: files that need each other in a circle:"
        sed -n 's/^tsort: \([^ ]*\.c\)$/    \1/p' "$work/loops" | sort -u
        status=1
    fi
done
if [ "$seen" -lt 50 ]; then
    echo "only $seen needs between files were found in $build" >&2
    exit 1
fi
exit $status
