#!/bin/sh
# Makes manual pages and completions for bash, zsh and fish of what the programs and their subcommands print for --help.
#
#   scripts/make-manuals.sh VERSION OUT PROGRAM...
#
# OUT gets man1/*.1, and PROGRAM.bash, PROGRAM.zsh and PROGRAM.fish for each program. AMB_RUN: what runs the programs (an emulator and its options,
# with semicolons). Needs a POSIX shell and awk; the same help gives the same files. Exit status 1: a program does not print its help.
set -eu
version=$1
out=$2
shift 2
scripts=$(cd "$(dirname "$0")" && pwd)
emulator=$(printf '%s' "${AMB_RUN:-}" | tr ';' ' ')
export LC_ALL=C ARGP_HELP_FMT=rmargin=4000 # argp does not break lines
rm -rf "$out"
mkdir -p "$out/help" "$out/man1"

# print_help NAME PROGRAM [SUBCOMMAND...]: into help/NAME
print_help() {
    name=$1
    shift
    # shellcheck disable=SC2086 # the emulator's options are words
    $emulator "$@" --help >"$out/help/$name" || {
        echo "make-manuals.sh: $* --help failed; configure with -DAMB_MANUALS=OFF to do without manual pages" >&2
        exit 1
    }
}

# The subcommands that a help text lists: a line each, "  NAME  what it does".
subcommands() { sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' "$1"; }

# The second words of "Usage: amble clip info [OPTION...]".
words_after() { sed -n "/^Usage:/,/^[^ U]/s/^\\(Usage:\\|      \\) $1 \\([a-z][a-z-]*\\) .*/\\2/p" "$2"; }

for program in "$@"; do
    base=${program##*/}
    print_help "$base" "$program"
    for subcommand in $(grep -qE "^Usage: $base [A-Z]+ " "$out/help/$base" && subcommands "$out/help/$base"); do
        print_help "$base-$subcommand" "$program" "$subcommand"
        for word in $(words_after "$base $subcommand" "$out/help/$base-$subcommand"); do
            print_help "$base-$subcommand-$word" "$program" "$subcommand" "$word"
        done
    done
done

# The day of this version's release; none while it has not been released.
date=$(sed -n "s/^## $version - \([0-9-]*\)$/\1/p" "$scripts/../CHANGELOG.md")
pages=$(cd "$out/help" && echo *)
for page in $pages; do
    awk -v page="$page" -v pages="$pages" -v version="$version" -v date="$date" -v options="$out/options" -f "$scripts/make-manuals.awk" \
        "$out/help/$page" >"$out/man1/$page.1"
done
programs=
for program in "$@"; do
    programs="$programs ${program##*/}"
done
for base in $programs; do
    for shell in bash zsh fish; do
        awk -v shell=$shell -v program="$base" -v programs="$programs" -f "$scripts/make-completions.awk" "$out/options" >"$out/$base.$shell"
    done
done
: >"$out/made"
