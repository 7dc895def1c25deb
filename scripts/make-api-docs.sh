#!/bin/sh
# Makes docs/api/*.md, a page for each public header, of the headers' comments. Needs a POSIX shell and awk.
#
#   scripts/make-api-docs.sh             writes docs/api
#   scripts/make-api-docs.sh --check     compares with docs/api instead; its last line counts like cmocka's
#   scripts/make-api-docs.sh OUT         writes into OUT
#
# A header opens with a comment, the manual: its first sentence is the page's title; lines indented by four are code; a short line above
# indented ones is a heading, and then four more make code. "/* ---- words ---- */" begins a section. A comment at the margin belongs to the
# declarations below it, up to the next blank line. Names of functions, types and constants become links.
set -eu
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd)
check=false
out=$root/docs/api
case ${1:-} in
--check) check=true ;;
-*)
    sed -n 's/^#   //p' "$0" >&2
    exit 2
    ;;
?*) out=$1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root/include/amble"

headers=
for header in *.h; do
    [ "$header" = amble.h ] || headers="$headers $header"
done
for header in $headers; do
    awk -v pass=names -v page="${header%.h}" -f "$root/scripts/make-api-docs.awk" "$header"
done >"$work/names"
mkdir "$work/api"
for header in $headers; do
    awk -v pass=page -v page="${header%.h}" -v names="$work/names" -f "$root/scripts/make-api-docs.awk" "$header" >"$work/api/${header%.h}.md"
done
{
    echo '# libamble'
    echo
    echo 'The C library, header by header. Made by `scripts/make-api-docs.sh` of the comments in `include/amble`; change those.'
    echo
    echo '| header | what it has |'
    echo '|---|---|'
    for header in $headers; do
        echo "| [\`amble/$header\`](${header%.h}.md) | $(sed -n '1s/^# //p' "$work/api/${header%.h}.md") |"
    done
    echo
    # shellcheck disable=SC2016 # Markdown's backquotes
    if [ -e render.h ]; then
        echo '`amble/amble.h` includes all of them but `amble/render.h`.'
    else
        echo '`amble/amble.h` includes all of them.'
    fi
    echo
    echo '## All names'
    echo
    # shellcheck disable=SC2016 # Markdown's backquotes
    sort "$work/names" | awk -F '\t' '{ print "- [`" $1 "`](" $2 ".md#" $1 ")" }'
} >"$work/api/README.md"

if $check; then
    if diff -r "$work/api" "$out"; then
        echo '[  PASSED  ] 1 test(s).'
    else
        echo '[  FAILED  ] docs/api is not what the headers say: scripts/make-api-docs.sh'
        exit 1
    fi
else
    mkdir -p "$out"
    rm -f "$out"/*.md
    cp "$work"/api/*.md "$out"
fi
