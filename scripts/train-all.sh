#!/usr/bin/env bash
# Trains a specialist for every public clip, one after the other, and evaluates each.
#
#   scripts/train-all.sh [--out DIR] [--samples N] [--seed N] [--threads N] [CLIP ...]
#
# It can be stopped at any time (Ctrl-C saves) and started again: what is trained is not trained again, what was begun goes on from its
# checkpoint, bit for bit. DIR (default runs/all) gets a folder a clip, a recording of each policy's rollout (DIR/CLIP/rollout.txt) and
# DIR/table.tsv, a row a clip: clip, seed, samples, minutes of training, return, success, and how it was evaluated. A clip that loops is
# followed for 20 s by 128 characters; one that does not, from its first frame to its last (Peng et al. 2018).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
amble=${AMBLE:-$root/build/amble}
out=$root/runs/all
samples=10M
seed=1
threads=0
clips=()

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '/^set /d'
    exit "$1"
}

while [ $# -gt 0 ]; do
    case $1 in
    --out | --samples | --seed | --threads)
        [ $# -ge 2 ] || usage 2 >&2
        declare "${1#--}=$2"
        shift 2
        ;;
    -h | --help) usage 0 ;;
    -*)
        echo "train-all: unknown option '$1'" >&2
        usage 2 >&2
        ;;
    *)
        clips+=("$1")
        shift
        ;;
    esac
done

# What is learned fast or is needed first stands in front.
[ ${#clips[@]} -gt 0 ] || clips=(run walk getup_facedown getup_faceup jog cartwheel backflip kick spinkick jump punch crawl roll dance_a
    dance_b sideflip spin zombie_walk stealthy_walk dance_spin long_walk1 long_walk2 long_walk3 long_zombie stealthy_walk0 stealthy_walk1)

if [ ! -x "$amble" ]; then
    echo "train-all: $amble is not there: build it first (./run.sh), or name another with AMBLE=FILE" >&2
    exit 2
fi
mkdir -p "$out"

# number FILE KEY: the first value of "KEY": NUMBER in a JSON file.
number() { sed -n "s/.*\"$2\": *\([-0-9.e+]*\).*/\1/p" "$1" | head -n 1; }

train() {
    local clip=$1 dir=$out/$1
    [ -f "$dir/train.json" ] && return 0
    local from=(--motion "$clip" --samples "$samples" --seed "$seed")
    [ -f "$dir/checkpoint.bin" ] && from=(--resume "$dir/checkpoint.bin")
    local begun=$SECONDS status=0
    "$amble" train "${from[@]}" --out "$dir" --threads "$threads" --json "$dir/train.json.new" || status=$?
    local spent=0
    [ -f "$dir/seconds" ] && spent=$(cat "$dir/seconds")
    echo $((spent + SECONDS - begun)) >"$dir/seconds"
    [ "$status" -eq 0 ] || exit "$status"
    mv "$dir/train.json.new" "$dir/train.json"
}

evaluate() {
    local clip=$1 dir=$out/$1
    [ -f "$dir/eval.json" ] && return 0
    "$amble" eval --policy "$dir/actor.onnx" --motion "$clip" --envs 128 --seeds 1 --push 0,2 --threads "$threads" --json "$dir/eval.json.new"
    "$amble" rollout --policy "$dir/actor.onnx" --motion "$clip" --envs 1 --seconds 20 --threads "$threads" --record "$dir/rollout.txt" >/dev/null
    mv "$dir/eval.json.new" "$dir/eval.json"
}

# The row that counts: the first protocol of eval.json.
row() {
    local clip=$1 dir=$out/$1
    local first
    first=$(mktemp)
    awk '/"protocol"/ && seen++ {exit} {print}' "$dir/eval.json" >"$first"
    printf '%s\t%s\t%s\t%.1f\t%.3f\t%.3f\t%s\n' "$clip" "$seed" "$(number "$dir/train.json" samples)" \
        "$(awk '{print $1 / 60}' "$dir/seconds")" "$(number "$first" normalised_return)" "$(number "$first" success)" \
        "$(grep -q own_length "$first" && echo 'own length' || echo '20 s')"
    rm -f "$first"
}

for clip in "${clips[@]}"; do
    train "$clip"
    evaluate "$clip"
    {
        printf 'clip\tseed\tsamples\tminutes\treturn\tsuccess\tprotocol\n'
        for done in "${clips[@]}"; do
            if [ -f "$out/$done/eval.json" ]; then row "$done"; fi
        done
    } >"$out/table.tsv.new"
    mv "$out/table.tsv.new" "$out/table.tsv"
    tail -n 1 "$out/table.tsv"
done
column -t -s "$(printf '\t')" "$out/table.tsv" 2>/dev/null || cat "$out/table.tsv"
