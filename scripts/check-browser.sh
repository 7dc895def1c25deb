#!/usr/bin/env bash
# The web pages of amble-serve in Chromium: scripts/check_browser.py on desktop and phone sizes. Pictures go into the folder.
#
#   scripts/check-browser.sh [PATH/TO/amble-serve [FOLDER]]
#
# Needs chromium (Debian's package) and the Python package playwright, which is installed into build/browser-venv.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
serve=$(realpath "${1:-$root/build/amble-serve}")
folder=${2:-$root/build/browser}
chromium=$(command -v chromium || command -v chromium-browser) || {
    echo "check-browser.sh: chromium is missing: apt-get install chromium" >&2
    exit 2
}
venv=$root/build/browser-venv
if ! "$venv/bin/python" -c 'import playwright' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q playwright
fi
exec "$venv/bin/python" "$root/scripts/check_browser.py" "$serve" "$chromium" "$folder"
