#!/usr/bin/env bash
# Installs what is missing, builds all programs, and runs amble: without arguments sixteen characters go through five
# styles in a minute (assets/tour.txt), for which no motion clip is needed; arguments go to `amble` as they are.
#
#   ./run.sh
#   ./run.sh eval --help
#   ./run.sh serve --port 8000    # the networks behind HTTP: amble-serve, with its options
#   build/amble-view        # once this has run
#
# Works from any folder, needs the network only the first time; motion clips are fetched when a command needs one. Where the viewer's
# libraries cannot be had, the rest is built. Exit status 2: something must be installed first (it says what), 1: the build failed (it says
# where the log is), else what amble returned.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # called as `sh run.sh`
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/deps.sh
. "$root/scripts/deps.sh"

amb_install build -- viewer
amb_install_if_possible 'building amble-view' "$root/build/viewer-packages" viewer || true
if [ "${1:-}" = serve ]; then
    amb_install server
else
    amb_install_if_possible 'building amble-serve' "$root/build/server-packages" server || true
fi
[ -x "$root/build/amble" ] || amb_say "building (a minute or two the first time)"
amb_configure release -DAMB_WERROR=OFF || exit 1 # warnings of a compiler that nobody has tried yet stop nobody
amb_build release --target programs || exit 1

if [ "${1:-}" = serve ]; then
    shift
    exec "$root/build/amble-serve" "$@"
fi
if [ $# -eq 0 ]; then
    set -- rollout --style-schedule "$root/assets/tour.txt" --seconds 60 --envs 16
elif amb_needs_clips "$@"; then
    amb_find_clips || true # amble says what it did not find
else
    amb_have_clips || true
fi
exec "$root/build/amble" "$@"
