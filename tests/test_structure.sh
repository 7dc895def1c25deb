#!/bin/sh
# Which module may include which: the table below, from the top down. A line is "MODULE: MODULES it may use directly"; it may also use
# the modules that these may use. Run from the repository's root; prints each include that breaks the table and fails.
#
#   tests/test_structure.sh [--graph]    --graph prints the includes between modules, with their number, instead
set -eu
cd "$(dirname "$0")/.."

table='
base:
nets: base
motion: base
sim: motion base
policy: sim nets motion
learn: policy
session: policy
options: session
viewer: session options
bench: options learn session
cli: options learn session
lib: session
server: session
python:
'
# Folders that no table binds: examples see the public headers alone, tests see everything.
free='tests'

includes() { # "FILE INCLUDED" of every quoted include in a module
    find . '(' -path './.*' -o -path './build*' ')' -prune -o '(' -name '*.c' -o -name '*.h' -o -name '*.inc' -o -name '*.cpp' ')' -print |
        sed 's/^\.\///' | LC_ALL=C sort |
        xargs grep -H '^[ \t]*#[ \t]*include[ \t]*"' /dev/null |
        sed 's/^\([^:]*\):[^"]*"\([^"]*\)".*/\1 \2/'
}

includes | awk -v table="$table" -v free="$free" -v graph="${1:-}" '
function module(path) { sub(/\/.*/, "", path); return path }
BEGIN {
    lines = split(table, line, "\n")
    for (i = 1; i <= lines; i++) {
        if (line[i] == "")
            continue
        n = split(line[i], word, "[: ]+")
        name = word[1]
        known[name] = 1
        may[name, name] = 1
        for (k = 2; k <= n; k++)
            if (word[k] != "") {
                if (!(word[k] in known)) {
                    printf "the table names %s before it is defined\n", word[k]
                    bad = 1
                }
                may[name, word[k]] = 1
                for (m in known)
                    if ((word[k], m) in may)
                        may[name, m] = 1
            }
    }
    known["include"] = 1
}
{
    from = module($1)
    to = module($2)
    files++
    if (from == free)
        next
    if (from == "examples" || from == "include") { # the public headers and nothing else of amble
        if ($2 !~ /^amble\//) {
            printf "%s includes %s: only amble/*.h is public\n", $1, $2
            bad = 1
        }
        next
    }
    if (to == "amble" && (from == "lib" || from == "server" || from == "viewer"))
        next
    if (!(from in known)) {
        printf "%s: the module %s is not in the table of tests/test_structure.sh\n", $1, from
        bad = 1
    } else if ($2 !~ /\//) {
        printf "%s includes \"%s\": expected a path from the root, as \"base/error.h\"\n", $1, $2
        bad = 1
    } else if (!(to in known)) {
        printf "%s includes %s: no such module\n", $1, $2
        bad = 1
    } else if (!((from, to) in may)) {
        printf "%s includes %s: %s may not use %s\n", $1, $2, from, to
        bad = 1
    }
    if (from != to)
        uses[from " -> " to]++
}
END {
    if (files < 100) {
        printf "only %d includes found\n", files
        bad = 1
    }
    if (graph == "--graph")
        for (u in uses)
            print u, uses[u]
    exit bad
}'
