#!/usr/bin/env bash
# Installs what is missing, builds, and runs: without arguments sixteen characters go through five styles in a minute (assets/tour.txt),
# for which no motion clip is needed; arguments go to `amble` as they are.
#
#   ./run.sh
#   ./run.sh eval --help
#
# Works from any folder, needs the network only the first time. Exit status 2: something must be installed first (it says what), 1: the
# build failed (it says where the log is), else what amble returned.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/deps.sh
. "$root/scripts/deps.sh"

amb_install build
[ -x "$root/build/amble" ] || amb_say "building (a minute or two the first time)"
amb_configure release || exit 1
amb_build release --target amble || exit 1

if [ $# -eq 0 ]; then
    set -- rollout --style-schedule "$root/assets/tour.txt" --seconds 60 --envs 16
else
    amb_find_clips || exit 1
fi
exec "$root/build/amble" "$@"
