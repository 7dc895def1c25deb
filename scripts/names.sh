#!/bin/sh
# The names that amble takes instead of files, one a line; for the shells' completions. Lies in share/amble of an installation, or in
# scripts/ of the source tree.
#
#   names.sh motion | model | style
folder=${AMBLE_ASSETS:-$(dirname "$0")}
[ -e "$folder/models" ] || folder=$(dirname "$0")/../assets
case ${1:-} in
motion)
    for clip in "${AMBLE_CLIPS:-clips}"/humanoid3d_*.txt; do
        clip=${clip##*/humanoid3d_}
        echo "${clip%.txt}"
    done
    for clip in "$folder"/motions/*.txt; do
        clip=${clip##*/}
        echo "${clip%.txt}"
    done
    ;;
model)
    for model in "$folder"/models/*.onnx; do
        model=${model##*/}
        echo "${model%.onnx}"
    done
    ;;
style)
    sed -n 's/^{"name": "\([^"]*\)".*/\1/p' "$folder/models/styles.json" 2>/dev/null
    ;;
*)
    echo 'names.sh: expected motion, model or style' >&2
    exit 2
    ;;
esac | grep -v '\*' | sort -u
