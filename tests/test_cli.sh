#!/usr/bin/env bash
# The program as its users run it: bad input gets one sentence on standard error and exit status 2 and changes no file; JSON is valid;
# kill -9 during a training does not change its result; a full disk leaves the old checkpoint intact; a closed terminal and a reader
# that ends lose nothing; two runs do not share a folder.
#
#   tests/test_cli.sh PATH/TO/amble
#
# Its last lines count like cmocka's. Needs no clips, no models and no network. No test depends on times.
set -u

amble=$(realpath "$1") || exit 1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
onnx=$root/tests/data/onnx
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-cli-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir in log
unset AMBLE_CLIPS
export AMBLE_ASSETS=${AMBLE_ASSETS:-$root/assets}

passed=0
failed=()
skipped=0

pass() { passed=$((passed + 1)); }
skip() { # skip REASON: one skipped test, or group of tests
    skipped=$((skipped + 1))
    printf 'SKIPPED: %s\n' "$1"
}
# bad NAME WHAT: one failed test; says what was found.
bad() {
    failed+=("$1")
    printf '[  FAILED  ] %s: %s\n' "$1" "$2"
    sed 's/^/    stdout: /' log/out 2>/dev/null | head -n 5
    sed 's/^/    stderr: /' log/err 2>/dev/null | head -n 5
}
check() { # check NAME COMMAND...: passes if the command does
    local name=$1
    shift
    if "$@"; then pass; else bad "$name" "failed: $*"; fi
}

# run ARGUMENTS...: amble's output in log/out and log/err, its exit status in $status.
run() {
    "$amble" "$@" >log/out 2>log/err
    status=$?
}

# The words before a command that give it the signals' default actions, whatever the test was started with (nohup, a Python that ignores
# SIGPIPE).
plain=(env --default-signal=HUP,PIPE,XFSZ)

# Everything but log/, with contents.
picture() {
    find . -path ./log -prune -o -print0 | sort -z | xargs -0 ls -ld --time-style=full-iso
    find . -path ./log -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
}

# says 'a|b' : the sentence, log/err's first line, begins with amble and holds each part; no second sentence and nothing on standard output.
says() {
    local first part
    first=$(head -n 1 log/err)
    [[ $first == amble* ]] || return 1
    [ "$(grep -c '^amble' log/err)" -eq 1 ] || return 1
    grep -v -q -E '^(amble|Try `amble|information\.|Usage:|       amble|Says wh|Trains a|Example:|       amble)' log/err && return 1
    [ -s log/out ] && return 1
    local IFS='|'
    for part in $1; do
        [[ $first == *"$part"* ]] || return 1
    done
}

# refuse 'PARTS' ARGUMENTS...: exit status 2, a sentence that holds the parts, and all files as they were.
refuse() {
    local parts=$1 before after
    shift
    before=$(picture)
    run "$@"
    after=$(picture)
    if [ "$status" -ne 2 ]; then
        bad "amble $*" "exit status $status, expected 2"
    elif ! says "$parts"; then
        bad "amble $*" "expected one sentence with $parts"
    elif [ "$before" != "$after" ]; then
        bad "amble $*" "files were touched: $(diff <(echo "$before") <(echo "$after") | head -n 3 | tr '\n' ' ')"
    else
        pass
    fi
}

# ---- Input ----

# clip LOOP FRAMES [FRAME INDEX VALUE]: a body that stands with one arm swinging, y up; one number of one frame changed
# (VALUE '-': left out).
clip() {
    awk -v loop="$1" -v n="$2" -v frame="${3:--1}" -v at="${4:--1}" -v value="${5:-}" 'BEGIN {
        printf "{\"Loop\": \"%s\", \"Frames\": [\n", loop
        for (f = 0; f < n; f++) {
            split("0.0333333 0 0.881416 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 -0.1 1 0 0 0 1 0 0 0 0.3 1 0 0 0 -0.1 1 0 0 0 1 0 0 0 0.3", v, " ")
            v[30] = .3 + .2 * sin(6.283185307 * f / (n > 1 ? n - 1 : 1))
            line = ""
            for (i = 1; i <= 44; i++) {
                x = (f == frame && i == at + 1) ? value : v[i]
                if (x != "-") line = line (line == "" ? "" : ", ") x
            }
            printf "[%s]%s\n", line, f < n - 1 ? "," : ""
        }
        print "]}"
    }'
}
clip wrap 31 >in/stand.txt
clip none 31 >in/once.txt
clip wrap 31 3 20 - >in/short_frame.txt
clip wrap 31 3 0 -0.1 >in/negative.txt
clip wrap 31 4 8 0 >in/zero.txt # the chest's w: its quaternion is all zeros
clip wrap 31 5 20 '"x"' >in/word.txt
clip wrap 31 5 20 1e999 >in/huge.txt
clip wrap 1 >in/one.txt
clip turn 31 >in/turn.txt
sed 's/"Loop": "wrap", //' in/stand.txt >in/no_loop.txt
echo '{"Loop": "wrap"}' >in/no_frames.txt
head -c 3000 in/stand.txt >in/cut.txt
: >in/empty.txt
head -c 2000 /dev/zero >in/zeros.txt
sed 's/0\.881416/88.1416/' in/stand.txt >in/units_cm.txt
clip wrap 31 3 0 33.3 >in/milliseconds.txt
printf 'HIERARCHY\nROOT Hips\n' >in/bvh.txt
mkdir in/folder in/nothing in/walks in/stands
# walker PERIOD LIFT SPEED: a loop that walks on the spot's forward axis, legs lifted in turn.
walker() {
    awk -v period="$1" -v lift="$2" -v speed="$3" 'BEGIN {
        n = 41
        printf "{\"Loop\": \"wrap\", \"Frames\": [\n"
        for (f = 0; f < n; f++) {
            split("0 0 0.881416 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 0 1 0 0 0 1 0 0 0 0.3 1 0 0 0 0 1 0 0 0 1 0 0 0 0.3", v, " ")
            v[1] = period / (n - 1)
            v[2] = speed * period * f / (n - 1)
            for (side = 0; side < 2; side++) {
                s = sin(6.283185307 * (f / (n - 1) + side / 2))
                up = s > 0 ? lift * s : 0
                at = side ? 31 : 17
                v[at] = cos(up / 2); v[at + 3] = sin(up / 2)
                v[at + 4] = -2 * up
                v[at + 5] = cos(up / 2); v[at + 8] = sin(up / 2)
            }
            line = v[1]
            for (i = 2; i <= 44; i++) line = line ", " v[i]
            printf "[%s]%s\n", line, f < n - 1 ? "," : ""
        }
        print "]}"
    }'
}
walker 1.2 .5 .3 >in/walks/amble.txt
walker .8 .7 .35 >in/walks/hurry.txt
cp in/once.txt in/walks/once.txt
cp in/stand.txt in/again.txt
cp in/once.txt in/stands/once.txt
picture >/dev/null || exit 1

# ---- Help ----

for sub in '' rollout train fit 'fit phase' 'fit style' eval clip 'clip info' 'clip convert' 'clip map' 'clip compare' 'clip style' style 'style list' 'style add' 'style export' 'style plot' model 'model info' 'model run' 'model check' 'model average' 'model export'; do
    # shellcheck disable=SC2086 # the subcommand may be two words
    run $sub --help
    if [ "$status" -ne 0 ] || [ -s log/err ] || ! grep -q -i 'usage: *amble' log/out; then
        bad "amble $sub --help" "exit status $status"
    elif ! grep -q "amble ${sub:-rollout} .*[a-z]" log/out; then
        bad "amble $sub --help" 'no example'
    elif ! awk '/^ [A-Z].*:$/ { getline below; if (below !~ /^ +-/) exit 1 }' log/out; then
        bad "amble $sub --help" 'a heading above nothing'
    else
        pass
    fi
done
run --help
check 'amble --help, environment' bash -c 'for name in AMBLE_ASSETS AMBLE_CLIPS AMB_KERNEL; do grep -q "^  $name " log/out || exit 1; done'
run --version
check 'amble --version' grep -q -E '^amble [0-9]+\.[0-9]+\.[0-9]+$' log/out
run
check 'amble alone, exit status' test "$status" -eq 2
check 'amble alone, usage on standard error' grep -q '^Usage: amble' log/err
check 'amble alone, standard output' test ! -s log/out

# ---- Words and options ----

refuse 'dance|rollout, train, fit, eval, clip, style, model' dance
refuse '"trian"|did you mean train?' trian
refuse '"--seconds"' --seconds 3
refuse 'sideways' clip sideways
refuse 'sideways' fit sideways
refuse 'sideways|list, add, export and plot' style sideways
refuse 'which motion' clip style
refuse 'sideways' model sideways
refuse 'amble clip info: an argument of 5000 bytes|at most 4095' clip info "$(printf '%05000d' 0)"
refuse 'which motion' clip info
refuse 'two files' clip convert in/stand.txt
refuse 'two motions' clip compare in/stand.txt
refuse '--loop|twice|auto, wrap or none' clip convert --loop twice in/stand.txt out.txt
refuse '--up|w|x, y, z' clip convert --up w in/stand.txt out.txt
refuse '--format|fbx' clip convert --format fbx in -o out
refuse 'in/stand.txt: |has no skeleton' clip map in/stand.txt
refuse 'no_map: ' clip convert --map no_map in/stand.txt out.txt
refuse '--rate|0|1 to 1000' clip convert --rate 0 in/stand.txt out.txt
for sub in info run check; do
    refuse 'which network' model $sub
    refuse "unrecognized option '--jump'" model $sub --jump
done
refuse 'one file too many' model info "$onnx/good/metadata.onnx" "$onnx/good/metadata.onnx"
refuse 'which policy' eval
refuse 'which motion' train
for sub in rollout train 'fit phase' 'fit style' eval; do
    # shellcheck disable=SC2086 # the subcommand may be two words
    refuse "unrecognized option '--jump'" $sub --jump
    refuse '"sideways"' $sub sideways
    refuse '--seed|"1x"' $sub --seed 1x
    refuse '--seed is -1' $sub --seed -1
    refuse '--threads is 5000|0 to 4096' $sub --threads 5000
    refuse '--json is empty' $sub --json ''
    case $sub in fit*) ;; *) refuse "'--motion' requires an argument" $sub --motion ;; esac
done
for sub in rollout eval; do
    refuse '--envs is 0|1 to 65536' $sub --envs 0
    refuse '--envs is 2.5|whole number' $sub --envs 2.5
    refuse '--envs is 1e99' $sub --envs 1e99
    refuse '--seconds is "nan"' $sub --seconds nan
    refuse '--seconds is "inf"' $sub --seconds inf
    refuse '--seconds is -1' $sub --seconds -1
    refuse '--seconds is ""' $sub --seconds ''
    refuse '--push is "1"|SPEED,PERIOD' $sub --push 1
    refuse '--push 1,x|the period' $sub --push 1,x
    refuse '--push 1,0|the period' $sub --push 1,0
    refuse '--push -1,2|the speed' $sub --push -1,2
    refuse '--turn is "left"' $sub --turn left
done
refuse '--heading is "north"' rollout --heading north
refuse '--start is 1,' rollout --start 1
for sub in rollout eval 'model run'; do
    # shellcheck disable=SC2086
    refuse '--precision is "int9"|fp32, bf16, int16, int8, or auto' $sub --precision int9
done
refuse 'exclude each other' rollout --no-policy --precision int16
refuse '--life and --motion exclude each other' rollout --life --motion walk
refuse '--life and --realtime exclude each other' rollout --life --realtime
refuse '--skills|expected --life too' rollout --skills none
refuse 'nowhere/life.txt' rollout --life --record nowhere/life.txt
refuse '--hard-push is "3"' rollout --life --hard-push 3
refuse '--friction is "1"|LO,HI' rollout --friction 1
refuse '--delay is "2,1"|smaller number first' rollout --delay 2,1
refuse '--seeds is 0' eval --policy x --seeds 0
refuse 'exclude each other' rollout --no-policy --policy x.onnx
for sub in rollout eval; do
    refuse '--style and --motion exclude each other' $sub --policy walk.onnx --style walk --motion walk
    refuse '--style and --style-schedule exclude each other' $sub --policy walk.onnx --style walk --style-schedule x
    refuse '--phase-gain is for invented motions' $sub --policy walk.onnx --phase-gain 1
    refuse '--speed is 30' $sub --policy walk.onnx --style walk --speed 30
    refuse '--style-change is for styles that are drawn' $sub --policy walk.onnx --style walk --style-change 3
done
refuse '--style|"limp"|walk, zombie' rollout --no-policy --style limp
refuse '--style|weight|"-1"' rollout --no-policy --style walk:-1
refuse 'missing.txt' rollout --no-policy --style-schedule missing.txt
refuse '--skill: there is no skill "somersault"; known skills: walk, run, backflip' rollout --skill somersault
refuse '--skill and --policy exclude each other' rollout --skill backflip --policy walk.onnx
refuse '--style-from|missing' rollout --no-policy --style-from missing.txt
refuse 'models/walk.onnx' rollout --no-policy --style walk --decoder walk.onnx
refuse 'models/walk.onnx' rollout --no-policy --style walk --deepphase walk.onnx
refuse 'models/walk.onnx|JSON' rollout --no-policy --style walk --styles walk.onnx
refuse '"walk" found' style list walk
refuse 'which style|NAME FILE' style add limp
refuse 'where to|-o FILE|--styles' style add limp "$AMBLE_ASSETS/motions/style_walk.txt"
refuse 'colon, a comma or a blank' style add a:b x.txt -o x.json
refuse 'missing.txt' style add limp missing.txt -o x.json
refuse 'which style' style export -o out.txt
refuse 'where to|-o FILE' style export walk
refuse '"run" found' style export walk run -o out.txt
refuse 'STYLE and --style-from' style export walk --style-from in/stand.txt -o out.txt
refuse '--style|"limp"|jog, long_walk1, long_walk3, run, stealthy, walk, zombie' style export limp -o out.txt
refuse '"random"|a name or a mixture' style export random -o out.txt
refuse '--style-from|missing' style export --style-from missing -o out.txt
refuse 'nowhere/out.txt: cannot be written' style export walk -o nowhere/out.txt
refuse 'where to|--out DIR' style plot
refuse '--between is "walk"|A,B' style plot --out pictures --between walk
refuse '--between|"limp"|walk, zombie' style plot --out pictures --between walk,limp
refuse 'in/stand.txt' style plot --out in/stand.txt
refuse 'models/walk.onnx' style plot --out pictures --encoder walk.onnx
refuse '--clip is the old name of --ratio-clip|"walk"|--motion' train --clip walk
refuse 'ratio_clip: 20 found' train --motion in/stand.txt --ratio-clip 20
refuse 'auto|invented' rollout --no-policy --style walk --may-touch auto
printf '0 walk\n2 limp\n' >in/schedule.txt
refuse 'in/schedule.txt: line 2|"limp"|walk' rollout --no-policy --style-schedule in/schedule.txt
refuse '--style: |there is no style "wlk"|zombie' train --style wlk
refuse '--style: expected random or one style|random-names' train --style random-names
refuse '--style: expected random or one style' train --style walk:.5,zombie:.5
refuse '--style and --motion' train --style random --motion in/stand.txt
refuse '--teacher|"walk" found, expected STYLE=FILE' train --style random --teacher walk
refuse '--teacher|no style "wlk"|zombie' train --style random --teacher wlk=a.onnx
refuse '--teacher|a.onnx' train --style random --teacher walk=a.onnx
refuse '--teacher|no clip "walk"|one of stand' train --motion in/stand.txt --teacher walk=a.onnx
refuse '--teacher|"walk" found, expected CLIP=FILE' train --motion in/stand.txt --teacher walk
refuse 'no motion "roll"|in' train --motion in/stand.txt,roll --clips in
refuse '--motion: |both named "stand"|once' train --motion in/stand.txt,in/stand.txt
refuse '--motion: |"stand" and "again" are the same motion' train --motion in/stand.txt --motion in/again.txt
refuse '--motion: "in/stand.txt," found|between commas' train --motion in/stand.txt,
refuse '--style and --motion' train --style random --motion in/stand.txt,in/once.txt
refuse 'setting goal: 0 found|several clips' train --motion in/stand.txt,in/once.txt --goal 0
refuse 'setting mirrored: 0.5 found|goal' train --motion in/stand.txt --mirrored .5
refuse '--push-force is for one motion' eval --policy walk --motion in/stand.txt,in/once.txt --push-force
refuse '--all-motions and --motion exclude each other' eval --policy walk --motion in/stand.txt --all-motions
refuse 'style_pace: .5 found' train --style random --style-pace .5
stand=(--motion in/stand.txt)
refuse '"nose"|feet, auto|left_wrist' rollout --no-policy "${stand[@]}" --may-touch nose
refuse '--realtime|300 characters' rollout --no-policy "${stand[@]}" --realtime --envs 300 --threads 2
refuse '--record|100000' rollout --no-policy "${stand[@]}" --seconds 1e5 --record long.txt
refuse 'envs: 0 found|1 to 65536' train "${stand[@]}" --envs 0
refuse 'samples: 0 found' train "${stand[@]}" --samples 0
refuse 'steps: 1.5 found|whole number' train "${stand[@]}" --steps 1.5
refuse 'gamma: "nan"' train "${stand[@]}" --gamma nan
refuse 'hidden1: "0x10"' train "${stand[@]}" --hidden1 0x10
refuse 'minibatches: 17|16 samples' train "${stand[@]}" --envs 4 --steps 4 --minibatches 17
refuse 'envs × steps|16777216' train "${stand[@]}" --envs 65536 --steps 65536
refuse '--precision|"int8"' train "${stand[@]}" --precision int8
refuse '--save-minutes is "soon"' train "${stand[@]}" --save-minutes soon
refuse 'exclude each other' train --resume a --init b
refuse '--stop-at is 1.5|expected 0 to 1' train "${stand[@]}" --stop-at 1.5
refuse '--evaluate-every is -1|expected 0 to' train "${stand[@]}" --evaluate-every -1
refuse '--stop-at|--evaluate-every 0' train "${stand[@]}" --stop-at .9 --evaluate-every 0
refuse 'hold_min_s: 3 found, expected at most hold_max_s, which is 2' train "${stand[@]}" --hold-min-s 3
refuse 'max_tilt: 3 found, expected 0 to 2' train "${stand[@]}" --max-tilt 3
refuse '--may-touch: |no body is named "tail"|left_wrist' train "${stand[@]}" --may-touch tail
for sub in phase style; do
    refuse 'in/nothing|no motion clips' fit $sub --clips in/nothing
    refuse 'in/missing|No such file' fit $sub --clips in/missing
    refuse 'in/bvh.txt: |the file ends' fit $sub --clips in # the first that is wrong, by name
    refuse '"stroll"|amble, hurry, once' fit $sub --clips in/walks --hold-out stroll
    refuse 'no clip for training' fit $sub --clips in/walks --hold-out amble,hurry,once
    refuse 'batch: 4 found|8 to 65536' fit $sub --clips in/walks --batch 4
    refuse 'samples: "many"' fit $sub --clips in/walks --samples many
    refuse 'samples: "20kk"' fit $sub --clips in/walks --samples 20kk
    refuse 'samples: 1.5|whole number' fit $sub --clips in/walks --samples 1.5
    refuse 'batch: 64.5|whole number' fit $sub --clips in/walks --batch 64.5
    refuse '--precision|"int8"' fit $sub --clips in/walks --precision int8
    refuse 'nothing.bin' fit $sub --clips in/walks --resume nothing.bin
done
refuse 'repeats|a loop or three steps' fit phase --clips in/stands
refuse 'walks|which a style needs' fit style --clips in/stands

# ---- Clips ----

while IFS='=' read -r name parts; do
    refuse "in/$name.txt: |$parts" clip info "in/$name.txt"
    refuse "in/$name.txt: |$parts" rollout --no-policy --motion "in/$name.txt"
done <<'END'
no_loop=Loop is missing
no_frames=Frames is missing
short_frame=frame 3 holds 43 values, expected the 44 of DeepMimic
negative=frame 3|duration is -0.1 s
zero=frame 4|chest|length 0
word=frame 5|value 20|a string
huge=not JSON
one=1 frame, expected 2
turn=Loop is "turn"
units_cm=height is 88.1416 m|at most 2.5|by 0.01 if these are centimetres
milliseconds=duration is 33.3 s|divide by 1000 if these are milliseconds
bvh=line 3: |the file ends
cut=not JSON
empty=not JSON
zeros=not JSON
END
refuse 'in/zero.txt|chest' train --motion in/zero.txt --out runs/zero
refuse 'in/zero.txt|chest' clip convert in/zero.txt out.csv
refuse 'no motion "moonwalk"' rollout --no-policy --motion moonwalk --clips in
refuse 'no motion "moonwalk"|stand' clip info --clips in moonwalk
refuse 'in/nothing.txt' rollout --no-policy --motion in/nothing.txt
refuse 'in/folder' clip info in/folder/

# ---- Networks ----

refuse 'cut_off.onnx' model info "$onnx/bad/cut_off.onnx"
refuse 'function_used.onnx: |Layer|not supported' model info "$onnx/bad/function_used.onnx"
for sub in rollout eval; do
    refuse 'cut_off.onnx' $sub "${stand[@]}" --policy "$onnx/bad/cut_off.onnx"
    refuse 'unknown_operator.onnx: |197' $sub "${stand[@]}" --policy "$onnx/bad/unknown_operator.onnx"
    refuse 'gemm_opset13.onnx: |5 inputs and 3 outputs|197 inputs|36 outputs' $sub "${stand[@]}" --policy "$onnx/good/gemm_opset13.onnx"
    refuse 'nothing.onnx' $sub "${stand[@]}" --policy nothing.onnx
    refuse 'in/stand.txt' $sub "${stand[@]}" --policy in/stand.txt
done

numpy=$root/tests/data/npy/model
net=$numpy/net.onnx
refuse 'which rows' model run "$net" --output out.npy
refuse 'where to' model run "$net" --input "$numpy/in.npy"
refuse 'nothing.npy' model run "$net" --input nothing.npy --output out.npy
refuse 'nothing.onnx' model run nothing.onnx --input "$numpy/in.npy" --output out.npy
refuse 'in_narrow.npy: |(150, 4)|expected (rows, 5)' model run "$net" --input "$numpy/in_narrow.npy" --output out.npy
refuse "big_endian.npy: |'>f4'" model run "$net" --input "$numpy/../bad/big_endian.npy" --output out.npy
refuse 'fortran.npy: |Fortran order' model check "$net" --input "$numpy/../bad/fortran.npy"
refuse 'no head is named "mu"' model run "$net" --input "$numpy/in.npy" --output out.npy --head mu
refuse '--against|--input' model check "$net" --against "$numpy/out.npy"
refuse '--rows is 0' model check "$net" --rows 0
refuse '--rows is 151|has 150' model check "$net" --input "$numpy/in.npy" --rows 151
refuse 'in_nan.npy: |number 4 of row 2 is nan' model check "$net" --input "$numpy/in_nan.npy"
refuse 'out_short.npy: |(149, 3)|expected (150, 3)' model check "$net" --input "$numpy/in.npy" --against "$numpy/out_short.npy"
refuse 'cut_off.onnx' model check "$onnx/bad/cut_off.onnx"

# ---- Networks that are graphs ----

graphs=$root/tests/data/graph/exports
lstm=$graphs/rsl_lstm_batch
given=(--input "obs=$lstm.in.obs.npy" --input "h_in=$lstm.in.h_in.npy" --input "c_in=$lstm.in.c_in.npy")
run model info "$lstm.onnx"
check 'model info, a graph, exit status' test "$status" -eq 0
check 'model info, a graph, its inputs' grep -q '^  h_in  float32 (1, rows, 16)' log/out
check 'model info, a graph, its operators' grep -q 'operators: .*LSTM 1' log/out
run model run "$lstm.onnx" "${given[@]}" --output next.npz
check 'model run, a graph, exit status' test "$status" -eq 0
run model run "$lstm.onnx" "${given[@]}" --output actions.npy --head actions --precision fp32
check 'model run, an output of a graph' test "$(stat -c %s actions.npy)" -eq $((128 + 5 * 5 * 4))
run model check "$lstm.onnx"
check 'model check, a graph, exit status' test "$status" -eq 0
refuse 'input "h_in" is missing|"c_in" float32 (1, rows, 16)' model run "$lstm.onnx" --input "obs=$lstm.in.obs.npy" --output next.npz
refuse 'names no input|"h_in"' model run "$lstm.onnx" "${given[@]}" --input "h=$lstm.in.h_in.npy" --output next.npz
refuse 'of shape (1, 5, 16)|(rows, 18)' model run "$lstm.onnx" --input "obs=$lstm.in.h_in.npy" --output next.npz
refuse '3 outputs|.npz' model run "$lstm.onnx" "${given[@]}" --output next.npy
run model run "$lstm.onnx" "${given[@]}" --calibrate "obs=$lstm.in.obs.npy" --calibrate "h_in=$lstm.in.h_in.npy" --output next.npz
check 'model run --calibrate, a graph' test "$status" -eq 0
run model check "$lstm.onnx" --calibrate "obs=$lstm.in.obs.npy"
check 'model check --calibrate, a graph' test "$status" -eq 0
refuse 'given for "speed"|"obs"' model run "$lstm.onnx" "${given[@]}" --calibrate "speed=$lstm.in.obs.npy" --output next.npz
refuse 'is a graph, expected a chain' model export "$lstm.onnx" -o exported.onnx
refuse 'is a graph, expected a chain' model average "$lstm.onnx" "$lstm.onnx" -o exported.onnx
refuse 'no output is named "mu"|actions, h_out, c_out' model run "$lstm.onnx" "${given[@]}" --output next.npz --head mu

# ---- Working: rollouts, their JSON, their hash ----

# fields FILE NAME...: the file is one JSON object with these names; a.b is b inside a.
fields() {
    if command -v python3 >/dev/null 2>&1; then
        python3 - "$@" <<'PY'
import json, sys
def refuse(word): raise ValueError(word + " is not JSON")
whole = json.load(open(sys.argv[1]), parse_constant=refuse)
for name in sys.argv[2:]:
    value = whole
    for part in name.split("/"):
        value = value[int(part)] if isinstance(value, list) else value[part]
PY
    else
        local name
        for name in "${@:2}"; do
            while [[ ${name##*/} =~ ^[0-9]+$ && $name == */* ]]; do name=${name%/*}; done # an index has no name in the text
            grep -q "\"${name##*/}\":" "$1" || return 1
        done
    fi
}
if ! command -v python3 >/dev/null 2>&1; then
    skip 'JSON is only searched for its fields, not parsed: python3 is missing'
fi
rollout_fields='motion policy seed seconds push_speed push_period turn_rate episodes survival normalised_return mean_seconds_up reward/pose
    reward/velocity reward/end_effectors reward/root reward/com tracking/root_m tracking/joint_rad tracking/end_effector_m control_steps
    control_steps_per_s wall_s physics_share step_us/p50 step_us/p99 step_us/p99.9 step_us/max resets_non_finite hash'
hash_of() { sed -n 's/.*"hash": "\([0-9a-f]*\)".*/\1/p' log/out; }
roll=(rollout --no-policy "${stand[@]}" --seconds 1 --envs 5)
run "${roll[@]}"
check 'rollout without a model, exit status' test "$status" -eq 0
check 'rollout without a model, table' grep -q 'normalised return' log/out
run "${roll[@]}" --json - --threads 1
check 'rollout --json -, exit status' test "$status" -eq 0
# shellcheck disable=SC2086
check 'rollout --json -, fields' fields log/out $rollout_fields
check 'rollout --json -, quiet' test ! -s log/err
hash=$(hash_of)
check 'rollout --json -, hash' test ${#hash} -eq 16
run "${roll[@]}" --json - --threads 2
check 'rollout on two threads, same hash' test "$(hash_of)" = "$hash"
run_with() { # run_with NAME=VALUE... -- ARGUMENTS...: in an environment that says nothing else of how threads wait
    local settings=()
    while [ "$1" != -- ]; do settings+=("$1") && shift; done
    shift
    env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT -u KMP_BLOCKTIME "${settings[@]}" "$amble" "$@" >log/out 2>log/err
    status=$?
}
# The runtime's own word, the last where the program started itself again: GCC's in spins, LLVM's in ms.
spins() { sed -n "s/.*GOMP_SPINCOUNT = '\([0-9]*\)'.*/\1/p; s/.*KMP_BLOCKTIME *= *'*\([0-9]*\).*/\1/p" log/err | tail -n 1; }
run_with OMP_DISPLAY_ENV=verbose -- "${roll[@]}" --json - --threads 2
check 'rollout with bounded waiting, same hash' test "$(hash_of)" = "$hash"
if grep -q OPENMP log/err && readelf -d "$amble" | grep -q -E 'lib(g|i|)omp'; then # oneDNN's alone says it too
    check 'waiting is bounded' test "$(spins)" -gt 0 -a "$(spins)" -lt 100000
    run_with OMP_DISPLAY_ENV=verbose GOMP_SPINCOUNT=123456 KMP_BLOCKTIME=123456 -- "${roll[@]}" --json - --threads 2
    check 'waiting as the user set it' test "$(spins)" = 123456
fi
run_with OMP_PROC_BIND=close OMP_PLACES=cores -- "${roll[@]}" --json - --threads 2
check 'rollout with bound threads, same hash' test "$(hash_of)" = "$hash"
run "${roll[@]}" --json - --seed 2
check 'rollout with another seed, another hash' test "$(hash_of)" != "$hash"
run "${roll[@]}" --json - --realtime
check 'rollout --realtime, same hash' test "$(hash_of)" = "$hash"
check 'rollout --realtime, fields' fields log/out wakeup_us/p50 wakeup_us/p99.9 missed_deadlines
run "${roll[@]}" --json result.json --record motion.txt
check 'rollout --json FILE, exit status' test "$status" -eq 0
# shellcheck disable=SC2086
check 'rollout --json FILE, fields' fields result.json $rollout_fields
check 'rollout --json FILE, table too' grep -q 'normalised return' log/out
run clip info --json - motion.txt once.txt in/once.txt
check 'clip info, one of three missing' test "$status" -eq 2
check 'clip info, the others listed' fields log/out 0/name 0/frames 1/duration_s
cp motion.txt a_motion_whose_name_is_longer_than_its_column.txt
cp motion.txt "$(printf '\033[31mred')".txt
run clip info motion.txt a_motion_whose_name_is_longer_than_its_column.txt ./*red.txt
check 'clip info, columns hold' test "$(awk '{ print index($0, " none") + index($0, " loop") + index($0, " wrap") }' log/out | sort -u | wc -l)" -eq 1
check 'clip info, names are escaped' grep -qF '\x1b[31mred ' log/out
check 'clip info, nothing for a terminal' test "$(tr -dc '\033' <log/out | wc -c)" -eq 0
run clip info --json - ./*red.txt
check 'clip info, names in JSON' fields log/out 0/name 0/file
refuse 'x.fbx: |ends in .txt, .json, .bvh, .glb or .npz and not in .fbx' clip convert motion.txt x.fbx
refuse 'x.gltf: |ends in .txt, .json, .bvh, .glb or .npz and not in .gltf' style export walk -o x.gltf
check 'no file of another format is written' test ! -e x.fbx -a ! -e x.glb
sed 's/"name": "walk"/"name": "\\u001b[1mwalk"/' "$AMBLE_ASSETS/models/styles.json" >coloured.json
refuse 'coloured.json: style 5|name "\x1b[1mwalk" holds control characters' style list --styles coloured.json
run clip convert motion.txt motion.csv
check 'clip convert' test "$(wc -l <motion.csv)" -eq 32
run clip convert motion.txt motion.bvh
check 'clip convert, BVH' grep -q '^Frames: 31$' motion.bvh
run clip compare motion.txt motion.bvh --json -
check 'clip compare' fields log/out frames e_g_mpjpe_mm e_mpjpe_mm e_vel_mm e_acc_mm dtw_m jerk foot_skate_mps
check 'a BVH of its own comes back' python3 -c 'import json; assert json.load(open("log/out"))["e_g_mpjpe_mm"] < .1'
run clip map motion.bvh
check 'clip map' grep -q '^left_shin = LeftLeg$' log/out
sed 's/LeftLeg/Peg/' motion.bvh >peg.bvh
refuse 'peg.bvh: no joint is the left_shin|Peg|--map' clip convert peg.bvh peg.txt
run clip map peg.bvh
check 'clip map, what is not found' bash -c 'grep -q "^# not found: left_shin" log/out && grep -q "not used:.*Peg" log/out'
echo 'left_shin = Peg' >peg.map
run clip convert peg.bvh -o peg.txt --map peg.map --json -
check 'clip convert, a map' fields log/out retarget/up retarget/unit retarget/scale_m retarget/rest_pose retarget/foot_skate_mps retarget/penetration_m retarget/joints/0/angle_mean_deg
mkdir takes
cp motion.bvh takes/one.bvh
cp motion.txt takes/two.txt
echo 'Nobody may do anything.' >takes/LICENCE
run clip convert takes -o clips2 --rate 15
check 'clip convert, a folder' test "$status" -eq 0 -a -s clips2/one.txt -a -s clips2/two.txt -a ! -e clips2/LICENCE.txt
check 'clip convert, what is no motion is named' grep -q 'left out 1 file that holds no motion: LICENCE' log/err
echo broken >clips2/one.txt
run clip convert takes -o clips2 --skip-existing
check 'clip convert, what is there is left' grep -q broken clips2/one.txt
cp motion.bvh takes/two.bvh
refuse 'two.bvh|two.txt|would both become' clip convert takes -o clips2
run clip convert motion.txt -o part.txt --from 2f --to .8s --time-scale 2 --reverse --mirror --smooth 5 --heading 90 --ground
check 'clip convert, edited' test "$status" -eq 0
run clip info part.txt --json -
check 'clip convert, cut and stretched' python3 -c 'import json; d = json.load(open("log/out"))[0]["duration_s"]; assert abs(d - 2 * (.8 - 2 / 30)) < .01, d'
run "${roll[@]}" --record recorded.bvh
check 'rollout, recorded as BVH' grep -q '^HIERARCHY' recorded.bvh
run clip convert motion.txt -o motion.glb
check 'clip convert to glTF' test "$status" -eq 0
run clip compare motion.glb motion.txt --json -
check 'a glTF file of its own comes back' python3 -c 'import json; assert json.load(open("log/out"))["e_g_mpjpe_mm"] < .1'
run "${roll[@]}" --record recorded.npz --dataset steps.npz
check 'rollout --dataset, exit status' test "$status" -eq 0
if python3 -c 'import numpy' 2>/dev/null; then
    check 'rollout --dataset, what NumPy reads' python3 -c '
import numpy, sys
d, r = numpy.load("steps.npz"), numpy.load("recorded.npz")
n, e = len(d["rewards"]), len(d["episode_lengths"])
assert n == d["episode_lengths"].sum() and d["observations"].shape == (n + e, 197) and d["actions"].shape == (n, 36)
m = r["episode_lengths"][0]
assert (r["observations"] == d["observations"][:m + 1]).all() and r["positions"].shape == (m + 1, 15, 3)'
else
    skip 'rollout --dataset is not read by NumPy: python3 has none'
fi
run "${roll[@]}" --record CAPITALS.NPZ
check 'rollout --record of an NPZ, the steps too' grep -q reward_parts.npy CAPITALS.NPZ
run clip info recorded.npz --json -
check 'rollout --record of an npz is a motion' test "$status" -eq 0
refuse '--dataset|4 GiB' rollout --no-policy "${stand[@]}" --seconds 5000 --envs 100 --dataset huge.npz
run "${roll[@]}" --record nowhere/motion.txt
check 'rollout --record into no folder, exit status' test "$status" -ne 0
check 'rollout --record into no folder, sentence' grep -q '^amble: nowhere/motion.txt: cannot be written: No such file' log/err
# Before the work: nothing is simulated that could not be saved.
for option in '--record nowhere/m.bvh' '--record in/m.csv' '--dataset nowhere/d.npz' '--dataset in/d.csv' '--observations nowhere/o.npy' '--observations in/o.txt'; do
    # shellcheck disable=SC2086
    refuse "${option#* }" rollout --policy walk.onnx "${stand[@]}" --seconds 1 $option
done
for command in "rollout --policy walk.onnx ${stand[*]}" "eval --policy walk.onnx ${stand[*]}" 'clip info motion.txt' 'clip convert motion.txt -o in/m.txt' \
    "style add limp $AMBLE_ASSETS/motions/style_walk.txt -o in/s.json" 'style list' 'model info walk.onnx' 'model check walk.onnx'; do
    # shellcheck disable=SC2086
    run $command --json nowhere/result.json
    check "--json into no folder: ${command:0:20}" grep -q '^amble.*nowhere/result.json: cannot be written' log/err
    check "--json into no folder, before the work: ${command:0:20}" test "$status" -eq 2 -a ! -s log/out -a ! -e in/m.txt -a ! -e in/s.json
done
run clip convert in/stand.txt motion.txt -o clips3 --json clips3/result.json
check '--json into the folder that is made' fields clips3/result.json 0/name
for out in nowhere/x.npy in/x.csv; do
    refuse "$out" model run walk.onnx --input observed.npy --output $out
done
refuse 'nowhere/x.onnx' model export walk.onnx -o nowhere/x.onnx
refuse 'nowhere/x.onnx' model average walk.onnx walk.onnx -o nowhere/x.onnx
refuse 'nowhere/x.txt' style export walk -o nowhere/x.txt
refuse 'x.v2|ends in .txt, .json, .bvh, .glb or .npz and not in .v2' style export walk -o x.v2
refuse 'x.v2|not in .v2' rollout --policy walk.onnx "${stand[@]}" --record x.v2
refuse 'many.glb|a folder|name of a file' clip convert motion.txt motion.bvh -o many.glb

# ---- Working: what loops says so; folders; names of any kind ----

run style export walk -o loops.bvh
for ending in glb npz bvh; do
    run clip convert loops.bvh -o "loops.$ending"
    run clip info "loops.$ending" --json -
    check "a loop stays one: $ending" grep -q '"loop": true' log/out
done
run clip convert loops.bvh -o loops.txt
run clip compare loops.txt loops.npz --json -
check 'an npz of its own comes back' python3 -c 'import json; assert json.load(open("log/out"))["e_g_mpjpe_mm"] < .01'
mkdir -p deep/a/b deep/empty
cp loops.npz deep/a/walk
cp loops.glb deep/a/b/walk.bin
cp motion.bvh deep/one.bvh
printf 'PK\003\004 no arrays' >deep/a/other.zip
run clip convert deep -o flat --format json
check 'clip convert, folders in folders and names of any kind' test "$status" -eq 0 -a -s flat/one.json -a -s flat/a/walk.json -a -s flat/a/b/walk.json
check 'clip convert, what else is there is named' grep -q 'left out 1 file that holds no motion: a/other.zip' log/err
run clip convert deep -o deep/out
run clip convert deep -o deep/out
check 'clip convert, into the folder itself' test "$status" -eq 0 -a ! -e deep/out/out

# ---- Working: invented motions ----

styled=(rollout --policy walk.onnx --seconds 1.5 --envs 3 --json -)
run "${styled[@]}" --style walk:0.7,zombie:0.3 --threads 1
check 'rollout --style, exit status' test "$status" -eq 0
check 'rollout --style, fields' fields log/out hash invented_motions/made invented_motions/refused invented_motions/changes \
    invented_motions/step_us/p99
check 'rollout --style, name' grep -q '"motion": "style walk:0.7,zombie:0.3"' log/out
hash=$(hash_of)
run "${styled[@]}" --style walk:0.7,zombie:0.3 --threads 2
check 'rollout --style on two threads, same hash' test "$(hash_of)" = "$hash"
run "${styled[@]}" --style walk:0.7,zombie:0.3 --phase-gain 1
check 'rollout --phase-gain, another hash' test "$(hash_of)" != "$hash"
run "${styled[@]}" --style walk:0.7,zombie:0.3 --speed 1.1
check 'rollout --speed, another hash' test "$(hash_of)" != "$hash"
fast=$(hash_of)
run "${styled[@]}" --style walk:0.7,zombie:0.3 --ground-speed 1.1
check 'rollout --ground-speed, the same' test "$(hash_of)" = "$fast"
printf '0 walk\n.5 jog heading=30 # faster\n1 zombie speed=.5\n' >in/schedule.txt
run "${styled[@]}" --style-schedule in/schedule.txt
check 'rollout --style-schedule' test "$status" -eq 0 -a "$(sed -n 's/.*"changes": \([0-9]*\).*/\1/p' log/out)" -gt 5
run "${styled[@]}" --style random --style-change .5
check 'rollout --style random' test "$status" -eq 0
hash=$(hash_of)
run "${styled[@]}" --style random --style-change .5 --seed 2
check 'rollout --style random, another seed' test "$(hash_of)" != "$hash"
run rollout --policy walk.onnx --seconds 1 --envs 2 --style walk
check 'rollout --style, table' grep -q 'invented motions' log/out

run style list
check 'style list, table' test "$status" -eq 0 -a "$(wc -l <log/out)" -eq 8
run style list --json -
check 'style list, fields' fields log/out 6/style 6/motion/period_s 6/motion/skate_mps 6/nearest/5/distance 6/spread
run style add own "$AMBLE_ASSETS/motions/style_walk.txt" -o own_styles.json
check 'style add, exit status' test "$status" -eq 0
check 'style add, said' grep -q '^own_styles.json: own, period 1.[0-9]* s, .* nearest: walk ' log/out
run style add jay "$AMBLE_ASSETS/motions/style_jog.txt" -o jay_styles.json --json -
check 'style add --json' fields log/out table style file period_s speed_mps motion/period_s nearest/0/distance
run style list --styles own_styles.json --json -
check 'style add, in the table' grep -q '"style": "own"' log/out
run style add jog2 "$AMBLE_ASSETS/motions/style_jog.txt" -o own_styles.json
run style list --styles own_styles.json --json -
check 'style add, a table that is there is added to' test "$(grep -c '"style": "\(own\|jog2\)",$' log/out)" -ge 2
refuse 'stands for styles that are drawn' style add random "$AMBLE_ASSETS/motions/style_jog.txt" -o own_styles.json
refuse 'has a style "own" already|--replace' style add own "$AMBLE_ASSETS/motions/style_jog.txt" --styles own_styles.json
run style add own "$AMBLE_ASSETS/motions/style_jog.txt" --styles own_styles.json --replace
check 'style add --replace' grep -q 'own_styles.json: own, .* nearest: jog2 ' log/out
run style export walk:0.7,zombie:0.3 -o slouch.txt --json export.json
check 'style export, exit status' test "$status" -eq 0
check 'style export, fields' fields export.json file style motion/frames motion/period_s motion/speed_mps
run clip info --json - slouch.txt
check 'style export, a clip that loops' test "$(sed -n 's/.*"loop": \([a-z]*\).*/\1/p' log/out)" = true
run rollout --no-policy --motion slouch.txt --seconds .5 --envs 2
check 'style export, a clip that can be followed' test "$status" -eq 0
cp slouch.txt slouch_before.txt
run style export walk:0.7,zombie:0.3 -o slouch.txt
check 'style export, the same again' cmp -s slouch.txt slouch_before.txt

# Without gnuplot: the sentence, and tables and scripts all the same.
mkdir -p in/empty
PATH=$work/in/empty run style plot --out pictures --between walk,zombie
check 'style plot without gnuplot, exit status' test "$status" -eq 2
check 'style plot without gnuplot, sentence' grep -q '^amble: pictures: not drawn: .*gnuplot-nox' log/err
check 'style plot, trajectories of seven styles and a blend' test "$(cut -f 2 pictures/styles-phase.tsv | sort -u | wc -l)" -eq 9
check 'style plot, map' test "$(grep -c '^name' pictures/styles-map.tsv)" -eq 7 -a "$(grep -c '^blend' pictures/styles-map.tsv)" -ge 100
check 'style plot, scripts' test -s pictures/styles-phase.gp -a -s pictures/styles-map.gp -a ! -e pictures/styles-map.png
if command -v gnuplot >/dev/null 2>&1; then
    run style plot --out pictures --json plot.json
    check 'style plot, exit status' test "$status" -eq 0
    check 'style plot, fields' fields plot.json folder styles blends explained_variance/1
    check 'style plot, pictures' test "$(head -c 4 pictures/styles-phase.png | tail -c 3)$(head -c 4 pictures/styles-map.png | tail -c 3)" = PNGPNG
else
    skip 'style plot, pictures: gnuplot is missing'
fi

small=(--style random --envs 4 --steps 16 --hidden1 16 --hidden2 8 --epochs 2 --minibatches 2 --episode-s 1 --style-change .3 --noise .05
    --noise-end .05 --kl .03 --kl-end .03)
run train "${small[@]}" --samples 1280 --out runs/styles --threads 1
check 'train --style random, exit status' test "$status" -eq 0
run train "${small[@]}" --samples 640 --out runs/styles_half --threads 2
run train --resume runs/styles_half/checkpoint.bin --samples 1280 --threads 2
check 'train --style random, resumed on other threads' cmp -s runs/styles/critic.onnx runs/styles_half/critic.onnx
refuse 'another motion|--init' train --resume runs/styles_half/checkpoint.bin --motion in/stand.txt --samples 1920 --out runs/other
run train "${small[@]}" --style zombie --teacher zombie=runs/styles/actor.onnx --samples 640
check 'train --style zombie, exit status' test "$status" -eq 0
refuse 'another motion|--init' train --resume runs/style-zombie/checkpoint.bin --style walk --samples 1280
refuse 'was trained with other teachers|--init' train --resume runs/style-zombie/checkpoint.bin --samples 1280
# A table of one's own goes along with what was trained on it.
cp own_styles.json other_styles.json
run train "${small[@]}" --style own --styles other_styles.json --samples 320 --out runs/own
check 'train on a style of a table of its own, the table is kept' cmp -s other_styles.json runs/own/styles.json
rm other_styles.json
run rollout --policy runs/own/actor.onnx --seconds .5 --envs 2 --json -
check 'rollout follows the style that it was trained on' grep -q '"motion": "style own"' log/out
run rollout --policy runs/own/actor.onnx --style jog2 --seconds .5 --envs 2 --json -
check 'rollout finds other styles of its table' grep -q '"motion": "style jog2"' log/out
run train --resume runs/own/checkpoint.bin --samples 640 --out runs/own2
check 'train --resume takes the table along' cmp -s runs/own/styles.json runs/own2/styles.json
mkdir runs/own3
echo '{}' >runs/own3/styles.json
run train "${small[@]}" --style own --styles own_styles.json --samples 320 --out runs/own3
check 'train does not replace another table' grep -q 'runs/own3/styles.json exists and differs from own_styles.json: ' log/err
run train --resume runs/style-zombie/checkpoint.bin --teacher zombie=runs/styles/actor.onnx --samples 1280
check 'train --style zombie, resumed' test "$status" -eq 0
run rollout --policy runs/style-zombie/actor.onnx --seconds .5 --envs 2 --json -
check 'rollout of a policy that was trained on a style' grep -q '"motion": "style zombie"' log/out
run rollout --policy runs/styles/actor.onnx --seconds .5 --envs 2 --json -
check 'rollout of a policy that was trained on styles' grep -q '"motion": "style random"' log/out

# ---- Working: training, killed in the middle ----

tiny=(--envs 6 --steps 16 --hidden1 16 --hidden2 8 --epochs 2 --minibatches 2 --samples 6000 --episode-s 1 --push-speed 1 --threads 2)
run train "${stand[@]}" "${tiny[@]}" --out runs/whole --json -
check 'train, exit status' test "$status" -eq 0
check 'train, fields' fields log/out samples iterations wall_s episode_s normalised_return survived step_reward reward/pose kl \
    resets_non_finite precision folder
check 'train, samples' grep -q '"samples": 6048' log/out
check 'train, files' test -s runs/whole/checkpoint.bin -a -s runs/whole/actor.onnx -a -s runs/whole/critic.onnx
check 'train, curves' test "$(cat runs/whole/events.out.tfevents.* | wc -c)" -gt 10000
run train "${stand[@]}" "${tiny[@]}" --samples 2016 --threads 2 --out runs/lines --progress lines.json
check 'train --progress, lines' test "$(grep -c '^{"samples":[0-9]*,"wall_s":.*"kl":.*}$' lines.json)" -ge 2
refuse 'nowhere/lines' train "${stand[@]}" "${tiny[@]}" --samples 2016 --out runs/nolines --progress nowhere/lines

# ended STATUS: waits for $child and says whether it ended so.
ended() {
    wait "$child" 2>/dev/null
    [ $? -eq "$1" ]
}
# interrupt SIGNAL STATUS NAME ARGUMENTS...: starts a training that saves after every iteration and stops it at a random moment after a save.
interrupt() {
    local signal=$1 want=$2 name=$3 saved try
    shift 3
    for try in 1 2 3 4 5 6; do
        saved=$(stat -c %i runs/killed/checkpoint.bin 2>/dev/null)
        "${plain[@]}" "$amble" train "$@" --save-minutes 0 >log/out 2>log/err &
        child=$!
        while [ "$(stat -c %i runs/killed/checkpoint.bin 2>/dev/null)" = "$saved" ] && kill -0 $child 2>/dev/null; do :; done
        sleep "0.0$((RANDOM % 90 + 10))"
        kill -"$signal" $child 2>/dev/null
        if ended "$want"; then
            pass
            return
        fi
        # It was done before the signal came: once more from the start.
        rm -rf runs/killed
        set -- "${stand[@]}" "${tiny[@]}" --out runs/killed
    done
    bad "$name" "six trainings ended before the signal came, or not with status $want"
}
resume=(--resume runs/killed/checkpoint.bin "${stand[@]}")
interrupt KILL 137 'train, killed' "${stand[@]}" "${tiny[@]}" --out runs/killed
interrupt KILL 137 'train, resumed and killed' "${resume[@]}" --threads 1
interrupt TERM 130 'train, resumed and terminated' "${resume[@]}"
interrupt HUP 130 'train, resumed and hung up' "${resume[@]}"
run train "${resume[@]}" --threads 1
check 'train, resumed' test "$status" -eq 0
for file in checkpoint.bin actor.onnx critic.onnx; do
    check "train, $file of killed and whole" cmp runs/killed/$file runs/whole/$file
done

# curve FOLDER TAG: the steps of a curve as TensorBoard shows them: a file that begins with a restart takes back what was said from there on.
curve() {
    python3 - "$@" <<'PY'
import glob, struct, sys
def fields(data):
    at = 0
    def varint():
        nonlocal at
        x = shift = 0
        while True:
            x |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                return x
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            yield key >> 3, data[at:at + size]
            at += size
steps = []
for name in sorted(glob.glob(sys.argv[1] + "/events.out.tfevents.*")):
    data, at = open(name, "rb").read(), 0
    while at + 12 <= len(data):
        size = struct.unpack("<Q", data[at:at + 8])[0]
        event = list(fields(data[at + 12:at + 12 + size]))
        at += 16 + size
        step = next((v for k, v in event if k == 2), 0)
        for k, v in event:
            if k == 7:
                steps = [s for s in steps if s < step]
            elif k == 5 and any(dict(fields(point)).get(1) == sys.argv[2].encode() for _, point in fields(v)):
                steps.append(step)
print(*steps)
PY
}
if command -v python3 >/dev/null 2>&1; then
    check 'train, the curve of killed has no hole' test "$(curve runs/killed step/reward)" = "$(seq -s ' ' 96 96 6048)"
fi

# ---- Working: what a run folder is good for ----

# The first networks are there at once, long before a checkpoint, and curves say what the run was started with.
"$amble" train "${stand[@]}" "${tiny[@]}" --samples 100M --save-minutes 1000 --out runs/early >log/out 2>log/err &
child=$!
for _ in $(seq 300); do
    [ -s runs/early/actor.onnx ] && break
    kill -0 $child 2>/dev/null && sleep .1
done
kill -KILL $child 2>/dev/null
ended 137
check 'train, networks at once' test -s runs/early/actor.onnx -a -s runs/early/critic.onnx -a ! -e runs/early/checkpoint.bin
check 'train, settings for TensorBoard' grep -q -a '_hparams_/session_start_info' runs/whole/events.out.tfevents.*

# printed: the command that log/err says how to go on with, run as it is by a shell.
printed() {
    sed -n 's/.*To go on: \(amble .*\)$/\1/p' log/err >log/command
    ln -sfn "$amble" log/amble
    PATH=$work/log:$PATH sh log/command >log/out 2>log/err
    status=$?
}
# A clip from outside the clips folder, a run folder with blanks; then the clip is gone and the folder is moved.
mkdir 'in/my clips'
cp in/stand.txt 'in/my clips/humanoid3d_reach.txt'
run train --motion 'in/my clips/humanoid3d_reach.txt' "${tiny[@]}" --samples 960 --out "runs/a run, it's"
check 'train on a clip of another folder' test "$status" -eq 0
check 'train, a copy of the clip' cmp in/stand.txt "runs/a run, it's/humanoid3d_reach.txt"
rm -r 'in/my clips'
printed
check 'train, the printed command goes on' test "$status" -eq 0
check 'train, as far as it says' grep -q '^Trained .* 0.00M samples' log/err
check 'train, twice the samples' grep -q -a '^samples=1920$' "runs/a run, it's/checkpoint.bin"
mv "runs/a run, it's" 'runs/moved run'
run rollout --policy 'runs/moved run/actor.onnx' --seconds .2 --envs 1 --json -
check 'rollout of a moved run' grep -q '"motion": "reach"' log/out
run rollout --policy 'runs/moved run/actor' --motion reach --seconds .2 --envs 1 --json -
check 'rollout of a moved run, its motion by name' grep -q '"motion": "reach"' log/out
run eval --policy 'runs/moved run/actor.onnx' --seconds .2 --envs 1 --seeds 1 --push 0,2
check 'eval of a moved run' test "$status" -eq 0
check 'eval, one of each' grep -q '1 character × 1 seed from' log/out
run train --resume 'runs/moved run/checkpoint.bin' --samples 2k
check 'train --resume of a moved run' test "$status" -eq 0
run train --resume 'runs/moved run/checkpoint.bin' --samples 2.1k --out runs/copied
check 'train --resume into another folder, a copy there' cmp in/stand.txt runs/copied/humanoid3d_reach.txt
cp in/stand.txt in/humanoid3d_reach.txt
sed 's/^\[0.03333/[0.03433/' in/stand.txt >'runs/moved run/humanoid3d_reach.txt'
run rollout --policy 'runs/moved run/actor.onnx'
check 'rollout, a changed clip, exit status' test "$status" -eq 2
check 'rollout, a changed clip' grep -q \
    '^amble: runs/moved run/humanoid3d_reach.txt: is not the motion "reach" that runs/moved run/actor.onnx was trained on (CRC-32C .*--motion' log/err
refuse 'moved run/humanoid3d_reach.txt: is not the motion "reach" that runs/moved run/checkpoint.bin was trained on' train \
    --resume 'runs/moved run/checkpoint.bin' --samples 4k
run train --resume 'runs/moved run/checkpoint.bin' --motion in/humanoid3d_reach.txt --samples 4k
check 'train, a changed copy is not written over' test "$status" -eq 2
check 'train, a changed copy, said' \
    grep -q '^amble: runs/moved run/humanoid3d_reach.txt exists and is another motion than in/humanoid3d_reach.txt: .*--out' log/err
rm 'runs/moved run/humanoid3d_reach.txt'
refuse 'moved run/checkpoint.bin: its motion is neither in the clips folder nor in the same folder|--motion|"reach"' train \
    --resume 'runs/moved run/checkpoint.bin' --samples 4k
run rollout --policy 'runs/moved run/actor.onnx' --motion in/stand.txt --seconds .2 --envs 1
check 'rollout of it along what is given' test "$status" -eq 0
run train --style zombie "${small[@]}" --teacher zombie=runs/styles/actor --samples 320 --half --out runs/taught
printed
check 'train with a teacher, the printed command goes on' test "$status" -eq 0
refuse "already exists: continue with --resume 'runs/moved run/checkpoint.bin'" train "${stand[@]}" "${tiny[@]}" --out 'runs/moved run'

# ---- Working: networks by name ----

cp in/stand.txt in/humanoid3d_walk.txt
run rollout --motion in/humanoid3d_walk.txt --seconds .2 --envs 1 --json -
check "rollout --motion FILE, the actor of the clip's name" grep -q '"policy": ".*/models/walk.onnx"' log/out
refuse 'no actor for "reach"|--policy|walk' rollout --motion in/humanoid3d_reach.txt
for sub in rollout 'eval --seeds 1'; do
    # shellcheck disable=SC2086
    run $sub --policy walk "${stand[@]}" --seconds .2 --envs 1 --json -
    check "amble $sub --policy walk" grep -q '"policy": ".*/models/walk.onnx"' log/out
done
run model info walk
check 'model info walk' test "$status" -eq 0
run train "${stand[@]}" --init walk --samples 32 --envs 4 --steps 8 --out runs/named
check 'train --init walk' test "$status" -eq 0
refuse 'wlak: No such file|walk' train "${stand[@]}" --init wlak
refuse 'in/walks: is a folder' rollout "${stand[@]}" --policy in/walks
run train "${stand[@]}" "${tiny[@]}" --samples 192 --ratio-clip .3 --out runs/ratio
check 'train --ratio-clip' test "$status" -eq 0
run train "${stand[@]}" "${tiny[@]}" --samples 192 --clip .3 --out runs/clip
check 'train --clip, a warning' grep -q '^amble train: --clip is now called --ratio-clip' log/err
check 'train --clip, the same' cmp runs/ratio/actor.onnx runs/clip/actor.onnx
check 'train --ratio-clip, in the metadata' grep -q -a '^ratio_clip=0.3$' runs/clip/actor.onnx
# saved FOLDER: waits until the run in it has saved, or has ended.
saved() {
    while [ ! -s "$1/checkpoint.bin" ] && kill -0 "$child" 2>/dev/null; do sleep .01; done
}
env --ignore-signal=HUP "$amble" train "${stand[@]}" "${tiny[@]}" --save-minutes 0 --out runs/nohup >log/out 2>log/err &
child=$!
saved runs/nohup
kill -HUP $child 2>/dev/null
check 'train under nohup' ended 0
check 'train under nohup, to its end' cmp runs/nohup/checkpoint.bin runs/whole/checkpoint.bin

# Progress whose reader has left: the pipe's other end is closed before the training begins.
mkfifo gone && exec 4<>gone 5>gone 4>&- && rm gone
"${plain[@]}" "$amble" train "${stand[@]}" "${tiny[@]}" --out runs/unread 2>&5
check 'train, progress that nobody reads' test $? -eq 0
check 'train, progress that nobody reads, to its end' cmp runs/unread/checkpoint.bin runs/whole/checkpoint.bin
"${plain[@]}" "$amble" rollout --no-policy "${stand[@]}" --seconds .2 --envs 1 >&5 2>log/err
check 'rollout, results that nobody reads' test $? -eq 2
check 'rollout, results that nobody reads, sentence' grep -q '^amble: standard output cannot be written: Broken pipe' log/err
exec 5>&-

# ---- One run in a folder ----

"${plain[@]}" "$amble" train "${stand[@]}" "${tiny[@]}" --samples 1e9 --save-minutes 0 --out runs/locked >log/out 2>log/err &
child=$!
saved runs/locked
kill -STOP $child # it has the folder, and changes nothing in it
first="runs/locked: process $child is writing to this folder"
refuse "$first" train "${stand[@]}" "${tiny[@]}" --out runs/locked
refuse "$first" train "${stand[@]}" --resume runs/locked/checkpoint.bin --samples 6000
refuse "$first" train "${stand[@]}" --resume runs/whole/checkpoint.bin --samples 6200 --out runs/locked
refuse "$first" fit phase --clips in/walks --batch 64 --samples 640 --out runs/locked
cp runs/locked/checkpoint.bin moment.bin
rm runs/locked/checkpoint.bin
refuse "$first" train "${stand[@]}" "${tiny[@]}" --out runs/locked
refuse "$first" fit phase --clips in/walks --batch 64 --samples 640 --out runs/locked
cp moment.bin runs/locked/checkpoint.bin
run train "${stand[@]}" --resume runs/locked/checkpoint.bin --samples 6000 --out runs/elsewhere
check 'a checkpoint of a run at work, resumed elsewhere' test "$status" -eq 0
kill -KILL $child
ended 137
# A kill releases the folder. What it left is removed, and nothing else.
touch runs/locked/checkpoint.bin.tmp.$child runs/locked/actor.onnx.tmp.$child.3
touch runs/locked/checkpoint.bin.tmp.$$ runs/locked/notes.tmp runs/locked/notes.tmp.x$child runs/locked/notes.$child
run train "${stand[@]}" --resume runs/locked/checkpoint.bin --samples 6000
check 'train, in the folder of a killed one' test "$status" -eq 0
check 'train, in the folder of a killed one, said' grep -q '^runs/locked: removed [2-4] temporary files' log/err
check 'train, in the folder of a killed one, removed' test ! -e runs/locked/checkpoint.bin.tmp.$child -a ! -e runs/locked/actor.onnx.tmp.$child.3
for file in checkpoint.bin.tmp.$$ notes.tmp notes.tmp.x$child notes.$child; do
    check "train, in the folder of a killed one, kept $file" test -e "runs/locked/$file"
done
check 'train, no lock left' test ! -e runs/locked/.amble.lock -a ! -e runs/whole/.amble.lock

# ---- Working: training for a time, until a return, with evaluations ----

# setting NAME FILE: what a checkpoint says it was trained with.
setting() { grep -a -o "^$1=[-0-9.e+]*" "$2" | head -n 1 | cut -d = -f 2; }
# sample_count FILE: how many samples a training says it has made.
sample_count() { sed -n 's/.*"samples": *\([0-9]*\).*/\1/p' "$1"; }

short=(--envs 4 --steps 8 --hidden1 16 --hidden2 8 --epochs 2 --minibatches 2 --threads 2)
run train "${stand[@]}" "${short[@]}" --minutes .02 --evaluate-every 0 --out runs/budget --json budget.json
check 'train --minutes, exit status' test "$status" -eq 0
check 'train --minutes, said' grep -q 'samples/s: 0.02 minutes give .*M samples' log/err
budget=$(setting samples runs/budget/checkpoint.bin)
check 'train --minutes, at least a few iterations' test "$budget" -gt 256
check 'train --minutes, all of them made' test "$(sample_count budget.json)" = "$budget"
cp runs/budget/actor.onnx budget.onnx
run train --resume runs/budget/checkpoint.bin "${stand[@]}" --json budget.json
check 'train --minutes, resumed' test "$status" -eq 0
check 'train --minutes, nothing left to do' test "$(sample_count budget.json)" = "$budget"
check 'train --minutes, the same networks' cmp budget.onnx runs/budget/actor.onnx
run train "${stand[@]}" "${short[@]}" --samples "$budget" --evaluate-every 0 --out runs/counted --json budget.json
check 'train --samples of that budget' test "$(sample_count budget.json)" = "$budget"

# Stopped before the speed was known well: what is written down is the budget all the same, not the default.
"${plain[@]}" "$amble" train "${stand[@]}" "${short[@]}" --minutes 1000 --save-minutes 0 --evaluate-every 0 --out runs/hasty --json budget.json \
    >log/out 2>log/err &
child=$!
while [ ! -s runs/hasty/actor.onnx ] && kill -0 $child 2>/dev/null; do sleep .01; done
sleep 1
kill -TERM $child
check 'train --minutes, stopped at once' ended 130
check 'train --minutes, stopped at once, budget' test "$(sample_count budget.json)" -eq 0 -o "$(setting samples runs/hasty/checkpoint.bin)" -ne 6000000

run train "${stand[@]}" "${short[@]}" --minutes .005 --samples 100M --evaluate-every 0 --out runs/limited --json budget.json
check 'train --minutes and --samples, exit status' test "$status" -eq 0
check 'train --minutes and --samples: stopped before' test "$(sample_count budget.json)" -lt 100000000
check 'train --minutes and --samples: these are what schedules are laid over' test "$(setting samples runs/limited/checkpoint.bin)" -eq 100000000
run train --resume runs/limited/checkpoint.bin "${stand[@]}" --minutes .005 --evaluate-every 0
check 'train --resume --minutes' test "$(setting samples runs/limited/checkpoint.bin)" -eq 100000000

# Batches of 32: the first at or behind each multiple of 100 is evaluated.
run train "${stand[@]}" "${short[@]}" --samples 320 --evaluate-every 100 --out runs/evaluated --json -
check 'train --evaluate-every' test "$(grep -c '^evaluation after .* return .* up, .* successful' log/err)" -eq 3
for tag in normalised_return survival success seconds root_m joint_rad end_effector_m; do
    check "train --evaluate-every, curve eval/$tag" grep -q -a "eval/$tag" runs/evaluated/events.out.tfevents.*
done
run train "${stand[@]}" "${short[@]}" --samples 320 --evaluate-every 0 --out runs/unseen
check 'train --evaluate-every 0' bash -c '! grep -q evaluation log/err'
check 'train --evaluate-every, no curve' bash -c '! grep -q -a eval/ runs/unseen/events.out.tfevents.*'
for file in checkpoint.bin actor.onnx critic.onnx; do
    check "train, $file with and without evaluations" cmp runs/evaluated/$file runs/unseen/$file
done

run train "${stand[@]}" "${short[@]}" --samples 320 --evaluate-every 64 --stop-at .0001 --out runs/satisfied --json satisfied.json
check 'train --stop-at, exit status' test "$status" -eq 0
check 'train --stop-at' test "$(sample_count satisfied.json)" -eq 64
run train --resume runs/satisfied/checkpoint.bin "${stand[@]}" --evaluate-every 64 --stop-at 1 --json satisfied.json
check 'train --stop-at, never reached' test "$(sample_count satisfied.json)" -eq 320
for file in checkpoint.bin actor.onnx; do
    check "train, $file of stopped and resumed" cmp runs/evaluated/$file runs/satisfied/$file
done

run train --motion in/once.txt "${short[@]}" --samples 64 --evaluate-every 64 --may-touch left_wrist --out runs/once
check 'train of a motion that does not loop' test "$status" -eq 0
check 'train of a motion that does not loop, evaluated' grep -q '^evaluation after' log/err
check 'train --may-touch, written down' grep -q -a 'right_ankle,left_ankle,left_wrist' runs/once/actor.onnx
cp in/stand.txt in/roll.txt # what has no network of its own is done by the repertoire
cp in/stand.txt in/walk.txt
run eval --motion in/roll.txt --seconds .5 --envs 2 --seeds 1 --push 0,2 --json eval.json
check 'eval without a policy takes what rollout takes' grep -q '"policy": ".*/repertoire.onnx"' eval.json
refuse 'which policy|roll|repertoire.onnx|walk.onnx|--policy' eval --motion in/roll.txt,in/walk.txt
rm in/roll.txt in/walk.txt
run eval --motion in/once.txt --policy runs/once/actor.onnx --seconds .5 --envs 2 --seeds 1 --push 0,2 --push .5,2 --json eval.json
check 'eval of a motion that does not loop, exit status' test "$status" -eq 0
check 'eval of a motion that does not loop, its own length' grep -q 'from the first frame to the last, 1.00 s' log/out
check 'eval of a motion that does not loop, held' grep -q '0.5 s, the last pose held' log/out
check 'eval of a motion that does not loop, columns' test "$(grep -c 'survival .*success .*return' log/out)" -ge 2
check 'eval of a motion that does not loop, rows' test "$(grep -o '"protocol": "[a-z_]*"' eval.json | cut -d '"' -f 4 | tr '\n' ' ')" = \
    'own_length own_length seconds seconds '
check 'eval, fields' fields eval.json rows/0/success rows/0/protocol rows/3/success
run eval "${stand[@]}" --policy runs/once/actor.onnx --seconds .5 --push-force
check 'eval --push-force, too short a time' test "$status" -eq 2
check 'eval --push-force, too short a time, said' grep -q '^amble: the force begins 1.50 s after the start.*for 0.5 s only$' log/err
for threads in 1 2; do
    run eval "${stand[@]}" --policy runs/once/actor.onnx --seconds 3 --envs 1 --seeds 1 --push 0,2 --push-force --threads $threads --json push$threads.json
done
check 'eval --push-force, any threads' test "$(grep largest push1.json)" = "$(grep largest push2.json)"
check 'eval --push-force, said' grep -q -E '^actor.onnx *(forward *[0-9]* N, sideways *[0-9]* N|falls without any)$' log/out
run eval "${stand[@]}" --policy runs/once/actor.onnx --seconds .5 --envs 2 --seeds 1 --push 0,2 --json eval.json
check 'eval of a loop, one protocol' test "$(grep -c '"protocol": "seconds"' eval.json)" -eq 1
check 'eval of a loop, nothing else' bash -c '! grep -q own_length eval.json && ! grep -q "pose held" log/out'

# ---- Working: several motions ----

two=(--motion in/stand.txt,in/once.txt "${short[@]}" --evaluate-every 0 --seed 5 --noise .05 --noise-end .05 --kl .03 --kl-end .03 --teach-end 1)
taught=(--teacher once=runs/once/actor.onnx)
run train "${two[@]}" "${taught[@]}" --samples 640 --evaluate-every 320 --threads 1 --out runs/two --json -
check 'train on two motions, exit status' test "$status" -eq 0
check 'train on two motions, said' grep -q '^Training 2 clips, stand, once in runs/two: ' log/err
check 'train on two motions, evaluated' test "$(grep -c '^evaluation after .*means of the clips: return' log/err)" -eq 2
check 'train on two motions, each evaluated' test "$(grep -c -E '^  (stand|once ) +return ' log/err)" -eq 4
check 'train on two motions, fields' fields log/out clips/0/motion clips/1/samples clips/1/normalised_return clips/1/survived
check 'train on two motions, curves' grep -q -a 'eval/once/return' runs/two/events.out.tfevents.*
check 'train on two motions, a copy of one' cmp in/stand.txt runs/two/humanoid3d_stand.txt
check 'train on two motions, a copy of the other' cmp in/once.txt runs/two/humanoid3d_once.txt
run train "${two[@]}" "${taught[@]}" --samples 320 --threads 2 --out runs/half_two
printed
check 'train on two motions, the printed command goes on' test "$status" -eq 0
for file in checkpoint.bin actor.onnx; do
    check "train on two motions, resumed on other threads, $file" cmp runs/two/$file runs/half_two/$file
done
refuse 'was trained with other teachers|--init' train --resume runs/two/checkpoint.bin --samples 960
refuse 'was trained on 2 motions, and --motion gives 1' train --resume runs/two/checkpoint.bin --samples 960 --motion in/once.txt
refuse 'was trained on another motion than "once"' train --resume runs/two/checkpoint.bin --samples 960 --motion in/once.txt,in/stand.txt
run train "${two[@]}" --init runs/two/actor.onnx --samples 64 --mirrored .5 --out runs/three
check 'train on two motions, from the networks of such' test "$status" -eq 0
# Somewhere else, all that is needed lies beside the network.
mkdir elsewhere_two
(cd elsewhere_two && AMBLE_CLIPS=. "$amble" eval --policy ../runs/two/actor.onnx --all-motions --seeds 1 --envs 2 --seconds .5 --json ../two.json >../log/out 2>../log/err)
check 'eval --all-motions, exit status' test $? -eq 0
check 'eval --all-motions, a row each' test "$(grep -c -E '^(stand|once|mean) ' log/out)" -eq 3
check 'eval --all-motions, fields' fields two.json motions/0/motion motions/1/rows/0/success_beyondmimic motions/1/rows/0/runs/0/survival \
    means/0/e_mpjpe_mm
check 'eval --all-motions, protocols' test "$(grep -o '"protocol": "[a-z_]*"' two.json | cut -d '"' -f 4 | tr '\n' ' ')" = 'seconds own_length '
for what in "--policy locomotion --all-motions" "--policy walk --motion in/stand.txt,roll --clips in"; do
    # shellcheck disable=SC2086
    run eval $what
    check "eval $what" test "$status" -eq 2 -a "$(grep -c -E '^amble: (--all-motions: .*invented motions|there is no motion "roll")' log/err)" -eq 1
done
run eval --policy runs/two/actor.onnx --motion in/stand.txt --motion in/once.txt --baseline runs/once/actor.onnx --seeds 1 --envs 2 --seconds .5
check 'eval of two motions and a baseline' grep -q -E '^motion .* return +baseline ' log/out
(cd elsewhere_two && AMBLE_CLIPS=. "$amble" rollout --policy ../runs/two/actor.onnx --motion once --seconds .2 --envs 1 --json - >../log/out 2>../log/err)
check 'rollout along the second motion' grep -q '"motion": "once"' log/out

# ---- Working: fits of the motion networks ----

walks=(--clips in/walks --threads 2)
few=(--batch 64 --samples 6.4k)
run fit phase "${walks[@]}" "${few[@]}" --out runs/phase --json -
check 'fit phase, exit status' test "$status" -eq 0
check 'fit phase, fields' fields log/out fit samples wall_s loss terms/x precision folder judgement/0/what judgement/0/motion \
    judgement/0/period_error judgement/0/strike_deg
check 'fit phase, samples' grep -q '"samples": 6400' log/out
check 'fit phase, settings for TensorBoard' grep -q -a '_hparams_/session_start_info' runs/phase/events.out.tfevents.*
check 'fit phase, files' test -s runs/phase/checkpoint.bin -a -s runs/phase/deepphase.onnx
check 'fit phase, curves' test "$(cat runs/phase/events.out.tfevents.* | wc -c)" -gt 200
cp -r in/walks in/mixed
echo 'MIT License' >in/mixed/LICENSE.txt
echo '{"Loop": "wrap", "Frames": [[0.1, 1, 2], [0.1, 1, 2]]}' >in/mixed/dog3d_pace.txt
run fit phase --clips in/mixed --threads 2 "${few[@]}" --samples 640 --out runs/mixed
check 'fit phase, other files in the folder' test "$status" -eq 0
check 'fit phase, which are named' grep -q '^Left out of the clips. folder.*: LICENSE.txt, dog3d_pace.txt\.$' log/err
run fit phase "${walks[@]}" "${few[@]}" --samples 3200 --out runs/phase2 --threads 1
check 'fit phase, table' grep -q 'period_error' log/out
printed
check 'fit phase, the printed command goes on' test "$status" -eq 0
run fit phase "${walks[@]}" --resume runs/phase/checkpoint.bin --samples 9600 --out runs/phase3 --threads 1
check 'fit phase, resumed elsewhere' test "$status" -eq 0 -a -s runs/phase3/deepphase.onnx
refuse 'runs/phase/checkpoint.bin already exists' fit phase "${walks[@]}" --out runs/phase
refuse 'batch=64' fit phase "${walks[@]}" --resume runs/phase/checkpoint.bin --batch 32
refuse 'other clips' fit phase "${walks[@]}" --resume runs/phase/checkpoint.bin --hold-out hurry
refuse 'runs/phase/checkpoint.bin: |fit phase|fit style' fit style "${walks[@]}" --resume runs/phase/checkpoint.bin
refuse 'runs/whole/checkpoint.bin: |amble fit' fit phase "${walks[@]}" --resume runs/whole/checkpoint.bin

# Stopped by Ctrl-C it saves, and goes on to the same end as one that was never stopped.
"${plain[@]}" "$amble" fit phase "${walks[@]}" "${few[@]}" --samples 64000 --out runs/stopped --save-minutes 0 >log/out 2>log/err &
child=$!
saved runs/stopped
kill -STOP $child
refuse "runs/stopped: process $child is writing to this folder" fit phase "${walks[@]}" --resume runs/stopped/checkpoint.bin
kill -CONT $child
kill -TERM $child 2>/dev/null
check 'fit phase, terminated' ended 130
touch runs/stopped/deepphase.onnx.tmp.$child
run fit phase "${walks[@]}" --resume runs/stopped/checkpoint.bin --threads 1
check 'fit phase, resumed' test "$status" -eq 0
check 'fit phase, temporary file of an ended process' test "$(find runs/stopped -name '*.tmp.*' | wc -l)" -eq 0
"${plain[@]}" "$amble" fit phase "${walks[@]}" "${few[@]}" --samples 1e9 --out runs/hung --save-minutes 0 >log/out 2>log/err &
child=$!
saved runs/hung
kill -HUP $child 2>/dev/null
check 'fit phase, hung up' ended 130
run fit phase "${walks[@]}" "${few[@]}" --samples 64000 --out runs/unstopped
for file in checkpoint.bin deepphase.onnx; do
    check "fit phase, $file of stopped and whole" cmp runs/stopped/$file runs/unstopped/$file
done

run fit style "${walks[@]}" --batch 16 --samples 4000 --half --out runs/style --json style.json
check 'fit style, exit status' test "$status" -eq 0
check 'fit style, table' grep -q 'half-way' log/out
check 'fit style, fields' fields style.json terms/kl terms/soles judgement/0/point_cm judgement/0/skate_true
check 'fit style, files' test -s runs/style/stylevae_encoder.onnx -a -s runs/style/stylevae_decoder.onnx -a -s runs/style/styles.json
check 'fit style, styles' fields runs/style/styles.json styles/1/latent/255 styles/0/period_s styles/0/scale
encoder=(--encoder runs/style/stylevae_encoder.onnx --styles runs/style/styles.json)
run clip style "${encoder[@]}" in/walks/hurry.txt
check 'clip style, table' grep -q 'hurry 0.00' log/out
run clip style "${encoder[@]}" --json - in/walks/amble.txt
check 'clip style, fields' fields log/out 0/nearest/1/distance 0/latent/255 0/period_s 0/scale
refuse 'stand|does not walk' clip style "${encoder[@]}" in/stand.txt
refuse 'in/stand.txt' clip style "${encoder[@]}" --styles in/stand.txt in/stand.txt
refuse 'actor.onnx|StyleVAE encoder' clip style "${encoder[@]}" --encoder runs/whole/actor.onnx in/stand.txt

# ---- Checkpoints ----

good=runs/whole/checkpoint.bin
size=$(stat -c %s $good)
head -c $((size / 2)) $good >half.bin
head -c 20 $good >stump.bin
{ head -c $((size / 3)) $good && printf '\377\000' && tail -c +$((size / 3 + 3)) $good; } >damaged.bin
for option in --resume --init; do
    refuse "half.bin: |cut short|$((size / 2)) bytes found, expected $size" train "${stand[@]}" $option half.bin --out runs/new
    refuse 'stump.bin: |cut short' train "${stand[@]}" $option stump.bin --out runs/new
    refuse 'damaged.bin: |damaged|checksum' train "${stand[@]}" $option damaged.bin --out runs/new
    refuse 'in/stand.txt: |not a checkpoint of amble' train "${stand[@]}" $option in/stand.txt --out runs/new
    refuse 'nothing.bin' train "${stand[@]}" $option nothing.bin --out runs/new
done
refuse "$good|\"actor.parameters\"|network sizes" train "${stand[@]}" --init $good --hidden1 32 --hidden2 8 --out runs/new
for goal in -1 1; do
    refuse "goal=0|--init" train "${stand[@]}" --resume $good --goal $goal --out runs/new
done
refuse "$good: its networks have 197 inputs, expected 246|goal" train "${stand[@]}" --init $good --hidden1 16 --hidden2 8 --goal 1 --out runs/new
refuse 'runs/styles/checkpoint.bin: its networks have 246 inputs, expected 197|goal' train "${stand[@]}" --init runs/styles/checkpoint.bin \
    "${tiny[@]}" --out runs/new
refuse "$good|another motion" train --motion in/once.txt --resume $good --out runs/new
refuse "$good|another motion|--init" train --style walk --resume $good --out runs/new
refuse 'minibatches=2|--init' train "${stand[@]}" --resume $good --minibatches 3
refuse 'seed|--resume' train "${stand[@]}" --resume $good --seed 9
refuse 'may-touch|--resume' train "${stand[@]}" --resume $good --may-touch auto
refuse 'runs/whole/checkpoint.bin already exists|--out' train "${stand[@]}" "${tiny[@]}" --out runs/whole
refuse 'runs/whole/checkpoint.bin already exists|--out' train "${stand[@]}" --init $good "${tiny[@]}" --out runs/whole
refuse 'runs/whole/checkpoint.bin already exists' train "${stand[@]}" --resume runs/killed/checkpoint.bin --out runs/whole
refuse 'in/stand.txt|not a folder' train "${stand[@]}" "${tiny[@]}" --out in/stand.txt/run

# ---- Networks from ONNX files ----

sized=("${stand[@]}" "${tiny[@]}" --out runs/new)
refuse 'in/nothing.onnx: |No such file' train "${sized[@]}" --init in/nothing.onnx
mkdir in/alone in/pair
cp runs/whole/actor.onnx in/alone/actor.onnx
refuse 'in/alone/actor.onnx: |critic is not there|NAME_critic.onnx or critic.onnx beside it' train "${sized[@]}" --init in/alone/actor.onnx
cp runs/whole/actor.onnx in/alone/critic.onnx
refuse 'in/alone/critic.onnx: layers of 197-16-8-36 numbers, expected 197-16-8-1' train "${sized[@]}" --init in/alone/actor.onnx
refuse 'runs/whole/actor.onnx: layers of 197-16-8-36 numbers, expected 197-32-8-36' train "${sized[@]}" --init runs/whole/actor.onnx --hidden1 32
refuse 'runs/whole/actor.onnx: its actions are residual, expected absolute' train "${sized[@]}" --init runs/whole/actor.onnx --absolute 1
refuse 'runs/whole/actor.onnx: was trained with physics at 120 and control at 30 Hz, expected 120 and 60' train "${sized[@]}" \
    --init runs/whole/actor.onnx --substeps 2
cp runs/whole/actor.onnx in/pair/walk.onnx
cp runs/whole/critic.onnx in/pair/walk_critic.onnx
for actor in runs/whole/actor.onnx in/pair/walk.onnx; do
    rm -rf runs/begun
    run train "${stand[@]}" "${tiny[@]}" --samples 96 --init $actor --out runs/begun
    check "train --init $actor" test "$status" -eq 0
    check "train --init $actor, counted anew" grep -q '0.00M of 0.00M samples done' log/err
done
run train "${stand[@]}" "${tiny[@]}" --samples 96 --init runs/whole/checkpoint.bin --out runs/begun2
# The optimiser is what the two do not share.
check 'train --init, checkpoint and ONNX differ in what is learned' test "$(cmp -s runs/begun/actor.onnx runs/begun2/actor.onnx; echo $?)" -eq 1
run train "${small[@]}" --samples 64 --init runs/styles/actor.onnx --out runs/styles_begun --half
check 'train --style random --init ONNX, with the goal' test "$status" -eq 0
run model info runs/styles_begun/actor.onnx
check 'model info, a goal among the inputs' grep -q '246 inputs, 36 outputs, 3 layers' log/out
refuse 'runs/styles_begun/actor.onnx: layers of 246-16-8-36 numbers, expected 197-16-8-36' train "${sized[@]}" --init runs/styles_begun/actor.onnx
run rollout "${stand[@]}" --seconds 1 --envs 3 --policy runs/whole/actor.onnx --precision fp32 --json -
hash=$(hash_of)
run model average runs/whole/actor.onnx runs/whole/actor.onnx --weights 1,3 -o mean.onnx
check 'model average, exit status' test "$status" -eq 0
check 'model average, what it says' grep -q 'mean.onnx: the mean of 0.25 actor.onnx, 0.75 actor.onnx' log/out
run rollout "${stand[@]}" --seconds 1 --envs 3 --policy mean.onnx --precision fp32 --json -
check 'the mean of a network and itself is that network' test "$(hash_of)" = "$hash"
run model info mean.onnx
check 'model average, in the metadata' grep -q 'average  *0.25 actor.onnx' log/out
refuse 'runs/styles_begun/actor.onnx: 246 inputs found, expected 197' model average runs/whole/actor.onnx runs/styles_begun/actor.onnx -o other.onnx
refuse 'two FILE.onnx' model average runs/whole/actor.onnx -o other.onnx
refuse '3 numbers for 2 files' model average runs/whole/actor.onnx runs/whole/actor.onnx --weights 1,2,3 -o other.onnx
refuse 'all 0' model average runs/whole/actor.onnx runs/whole/actor.onnx --weights 0,0 -o other.onnx
refuse 'Give --output' model average runs/whole/actor.onnx runs/whole/actor.onnx
check 'model average, nothing written' test ! -e other.onnx
rm -rf runs/begun
run train "${small[@]}" --samples 64 --init runs/whole/actor.onnx --out runs/begun
check 'train --style random --init of an actor that saw no goal' test "$status" -eq 0
rm -rf runs/begun
run train "${small[@]}" --samples 64 --init runs/styles_begun/actor.onnx --out runs/begun
check 'train --init of a float16 file' test "$status" -eq 0

# ---- What was trained is used ----

run rollout "${stand[@]}" --policy runs/whole/actor.onnx --seconds 1 --envs 3 --json -
check 'rollout with the trained actor' test "$status" -eq 0
check 'rollout with the trained actor, named' grep -q '"policy": "runs/whole/actor.onnx"' log/out
refuse 'critic.onnx: |critic|expected an actor' rollout "${stand[@]}" --policy runs/whole/critic.onnx
run eval "${stand[@]}" --policy runs/whole/actor.onnx --baseline runs/killed/actor.onnx --seconds .5 --envs 3 --seeds 2 --push 0,2 --push 1,.3 \
    --json eval.json
check 'eval, exit status' test "$status" -eq 0
check 'eval, table' grep -q 'difference' log/out
check 'eval, fields' fields eval.json motion seconds envs seeds first_seed rows/0/policy rows/3/push_speed rows/3/survival \
    rows/3/survival_worst_seed rows/3/normalised_return rows/3/resets_non_finite rows/3/runs/1/hash
run model info --json - runs/whole/actor.onnx
check 'model info, fields' fields log/out file bytes inputs outputs parameters layers/2/activation normalizer/clip metadata/kind \
    metadata/action metadata/motion metadata/training
run model info runs/whole/actor.onnx
check 'model info, table' grep -q '197 inputs, 36 outputs, 3 layers' log/out

run rollout "${stand[@]}" --policy runs/whole/actor.onnx --seconds .2 --envs 1 --precision fp32 --json -
check 'rollout --precision' test "$status" -eq 0
check 'rollout --precision, said' grep -q '^runs/whole/actor.onnx: fp32 (' log/err
check 'rollout --precision, fields' grep -q '"precision": "fp32"' log/out
run eval "${stand[@]}" --policy runs/whole/actor.onnx --seconds .2 --envs 1 --seeds 1 --push 0,2 --precision fp32 --json -
check 'eval --precision' test "$status" -eq 0
check 'eval --precision, said' grep -q '^runs/whole/actor.onnx: fp32 (' log/err

# ---- Networks on NumPy's files ----

run model run "$net" --input "$numpy/in.npy" --output out.npy --precision fp32
check 'model run, exit status' test "$status" -eq 0
check 'model run, table' grep -q 'net.onnx: fp32 (.*150 rows .* 3 each, to out.npy' log/out
check 'model run, file' test "$(stat -c %s out.npy)" -eq $((128 + 150 * 3 * 4))
for input in in_wide in; do
    for threads in 1 2; do
        run model run "$net" --input "$numpy/$input.npy" --output again.npy --precision fp32 --threads $threads --json -
        check "model run on $input with $threads threads, the same" cmp out.npy again.npy
    done
done
check 'model run, fields' fields log/out file input output rows outputs precision kernel choice packed_bytes wall_s
run model run "$net" --input "$numpy/in_one.npy" --output one.npy --precision fp32
check 'model run on one row' cmp <(tail -c +129 one.npy) <(tail -c +129 out.npy | head -c 12)
run model run "$net" --input "$numpy/in_nan.npy" --output nan.npy --precision fp32
check 'model run on NaN, exit status' test "$status" -eq 0
# Row 2, and no other.
check 'model run on NaN, its row alone' test "$(cmp -l out.npy nan.npy | awk '{ print int(($1 - 129) / 12) }' | sort -u)" = 2
check 'model run on NaN, NaN' test "$(tail -c +$((129 + 24)) nan.npy | head -c 12 | od -An -tf4 | tr -d ' -')" = nannannan
run model info "$numpy/heads.onnx"
check 'model info, heads, exit status' test "$status" -eq 0
if [ "$status" -eq 0 ]; then # the same numbers as net.onnx's, the first in one head, two in the other
    check 'model info, heads' grep -q '^  logvar *2$' log/out
    run model info "$numpy/heads.onnx" --json -
    check 'model info, heads, fields' fields log/out heads/0/name heads/1/outputs heads/1/shape/0 input_shape/0 layers/0/alpha
    floats() { tail -c +129 "$1" | od -An -v -tx4 -w4; }
    for head in mu logvar; do
        run model run "$numpy/heads.onnx" --input "$numpy/in.npy" --output $head.npy --precision fp32 --head $head
        check "model run --head $head" test "$status" -eq 0
    done
    run model run "$numpy/heads.onnx" --input "$numpy/in.npy" --output both.npy --precision fp32
    check 'model run, heads side by side' cmp both.npy out.npy
    check 'model run --head mu, numbers' cmp <(floats mu.npy) <(floats out.npy | awk 'NR % 3 == 1')
    check 'model run --head logvar, numbers' cmp <(floats logvar.npy) <(floats out.npy | awk 'NR % 3 != 1')
    refuse 'no head is named "nu"|mu, logvar' model run "$numpy/heads.onnx" --input "$numpy/in.npy" --output out.npy --head nu
fi
run model run "$net" --input "$numpy/in.npy" --output nowhere/out.npy
check 'model run into no folder, exit status' test "$status" -eq 2
check 'model run into no folder, sentence' grep -q '^amble model run: nowhere/out.npy: cannot be written: No such file' log/err
for precision in fp32 bf16 int16 int8 auto; do # what does not run here says so; what does keeps its promise
    run model run "$net" --input "$numpy/in.npy" --output any.npy --precision $precision
    if [ "$status" -eq 2 ]; then
        check "model run --precision $precision, not here" says "$precision"
    else
        check "model run --precision $precision" test "$status" -eq 0 -a -s any.npy
    fi
done

run model check "$net"
check 'model check, exit status' test "$status" -eq 0
check 'model check, table' grep -q '^fp32 ' log/out
check 'model check, choice' grep -q '^auto takes ' log/out
run model check "$net" --json - --rows 70 --seed 3
check 'model check --json -, exit status' test "$status" -eq 0
check 'model check --json -, fields' fields log/out file inputs outputs rows input against seed limit precisions/0/precision \
    precisions/0/kernel precisions/0/packed_bytes precisions/0/double/mse precisions/0/double/largest precisions/0/double/row \
    precisions/0/double/output precisions/3/runs auto/precision auto/kernel choice passed
check 'model check --json -, quiet' test ! -s log/err
cp log/out seed3.json
run model check "$net" --json - --rows 70 --seed 3
check 'model check, the same seed' cmp log/out seed3.json
run model check "$net" --json - --rows 70 --seed 4
check 'model check, another seed' bash -c '! cmp -s log/out seed3.json'
run model check "$net" --input "$numpy/in.npy" --against "$numpy/out.npy" --json check.json
check 'model check --against, exit status' test "$status" -eq 0
check 'model check --against, table' grep -q '^good: .* against .*out.npy' log/out
check 'model check --against, fields' fields check.json auto/against/mse double_against/mse
run model check "$net" --input "$numpy/in.npy" --against "$numpy/out_off.npy"
check 'model check --against another, exit status' test "$status" -eq 1
check 'model check --against another, said' grep -q -E '^FAILED: .* (1\.[89][0-9]?|2(\.[0-2][0-9]?)?)e-06 against .*out_off.npy' log/out
check 'model check --against another, where' grep -q '^fp32 .* 0.03 (77, 2) .*beyond the limit' log/out
run model check "$net" --input "$numpy/in.npy" --against "$numpy/out_off.npy" --rows 77 --json -
check 'model check of the first rows, exit status' test "$status" -eq 0
check 'model check of the first rows, number' grep -q '"rows": 77' log/out

run model export "$net" -o exported.onnx
check 'model export, exit status' test "$status" -eq 0
check 'model export, what it says' grep -q '^exported.onnx: [0-9]* bytes (.*net.onnx: [0-9]*); weights .*; 0 observations' log/out
check 'model export, the choice' grep -q '^  auto takes ' log/out
run model run exported.onnx --input "$numpy/in.npy" --output exported.npy --precision fp32
check 'model export, read back' test "$status" -eq 0
run model check "$net" --input "$numpy/in.npy" --against exported.npy
check 'model export, the same outputs' test "$status" -eq 0
run model check exported.onnx --calibrate "x=$numpy/in.npy"
check 'model export, the same name of the input' test "$status" -eq 0
run model export "$net" --calibrate "$numpy/in.npy" --keep 5 -o exported.onnx --json -
check 'model export --calibrate, fields' fields log/out file output bytes_before bytes observations rounding/rounded/0 \
    rounding/laws/0/law rounding/laws/0/mse precisions choice
check 'model export --keep' grep -q '"observations": 5' log/out
run model info exported.onnx
check 'model export, in model info' grep -q '^observations: 5' log/out
check 'model export, no base64 in model info' bash -c '! grep -q "int8 5 " log/out'
run model check exported.onnx
check 'model check of exported' grep -q '  observations that the file carries .*within the limit' log/out
run model check exported.onnx --json -
check 'model check --json -, laws' fields log/out laws/0/law laws/0/rows laws/0/mse laws/0/promised precisions_auto
cp exported.onnx again.onnx
run model export again.onnx -o again.onnx
check 'model export onto itself, observations kept' grep -q '; 5 observations' log/out
run model export "$net" --no-rounding -o plain.onnx
run model run plain.onnx --input "$numpy/in.npy" --output plain.npy --precision fp32
run model run "$net" --input "$numpy/in.npy" --output was.npy --precision fp32
check 'model export --no-rounding changes nothing' cmp plain.npy was.npy
for command in "model export $net -o exported.onnx" "model check $net" "model run $net --input $numpy/in.npy --output any.npy"; do
    # shellcheck disable=SC2086
    run $command --calibrate "x=$numpy/in.npy"
    check "$command --calibrate NAME=ROWS.npy" test "$status" -eq 0
    # shellcheck disable=SC2086
    refuse 'no input of that name|expected "x"' $command --calibrate "other=$numpy/in.npy"
    # shellcheck disable=SC2086
    refuse 'expected (rows, ' $command --calibrate "$numpy/out.npy"
done
refuse 'Give --output' model export "$net"
refuse 'nowhere/out.onnx' model export "$net" -o nowhere/out.onnx

# Actors that are no chain of dense layers.
silu=$graphs/humanoid_silu.onnx
run rollout --policy "$silu" "${stand[@]}" --seconds .3 --envs 3 --json silu.json
check 'rollout of a graph, exit status' test "$status" -eq 0
check 'rollout of a graph, its choice' grep -q 'humanoid_silu.onnx: 3 dense parts' log/err
check 'rollout of a graph, fields' fields silu.json hash precision precisions kernel
hash=$(grep '"hash"' silu.json)
run rollout --policy "$silu" "${stand[@]}" --seconds .3 --envs 3 --threads 1 --json silu.json
check 'rollout of a graph on one thread, the same' test "$(grep '"hash"' silu.json)" = "$hash"
run rollout --policy "$silu" "${stand[@]}" --seconds .1 --envs 1 --calibrate "obs=${silu%.onnx}.in.obs.npy"
check 'rollout --calibrate of a graph' test "$status" -eq 0
run eval --policy "$silu" --baseline runs/whole/actor.onnx "${stand[@]}" --seconds .1 --envs 1 --seeds 1
check 'eval of a graph' test "$status" -eq 0
refuse '3 inputs|a state from call to call' rollout --policy "$lstm.onnx" "${stand[@]}" --seconds .1
refuse 'not rows of float32 of an actor|197' rollout --policy "$graphs/rl_games.onnx" "${stand[@]}" --seconds .1
refuse 'takes 197' rollout --policy "$silu" "${stand[@]}" --seconds .1 --calibrate "$numpy/in.npy"
refuse '--calibrate and --no-policy' rollout --no-policy "${stand[@]}" --calibrate "$numpy/in.npy"

# Rows far outside of what auto is measured on: its own rows hold model run to the limit.
run rollout --policy runs/whole/actor.onnx "${stand[@]}" --seconds 2 --envs 2 --observations observed.npy
check 'rollout --observations, exit status' test "$status" -eq 0
run model export runs/whole/actor.onnx --calibrate observed.npy -o observed.onnx
check 'rollout --observations, exported with' grep -q -E '; [0-9]{2,3} observations' log/out
refuse 'without a policy' rollout --no-policy "${stand[@]}" --seconds .2 --envs 1 --observations observed.npy

# ---- A disk that is full, output that goes nowhere ----

# What must hold after a resumed training could not write: it said so, and the old checkpoint is whole.
cat >full.sh <<'END'
cp "$good" disk/checkpoint.bin && cp disk/checkpoint.bin before.bin || exit 3
$limit
env --default-signal=XFSZ "$amble" train --resume disk/checkpoint.bin --motion in/stand.txt --samples 7000 --save-minutes 0 >log/out 2>log/err
status=$?
if [ $status -ne 1 ]; then echo "exit status $status"; exit 1; fi
cmp disk/checkpoint.bin before.bin || exit 1
ls disk | grep '\.tmp\.' && exit 1
tail -n 1 log/err | grep -q '^amble: .*disk/checkpoint.bin: not written' || { echo 'not said at the end'; exit 1; }
grep -q 'going on' log/err || { echo 'no warning on the way'; exit 1; }
END
export amble good
mkdir disk
# 64 KiB free beside the old checkpoint: room for the curves, not for a second checkpoint of 90 KiB.
if unshare -rm sh -c 'mount -t tmpfs -o size=1m none disk' 2>/dev/null; then
    # shellcheck disable=SC2016 # expanded in there
    check 'train on a full disk' unshare -rm sh -c 'mount -t tmpfs -o size=1m none disk || exit 3
        limit="dd if=/dev/zero of=disk/rest bs=1k count=$((1024 - 64 - ($(stat -c %s "$good") + 4095) / 4096 * 4)) status=none" . ./full.sh'
fi
# The same by a limit on the size of files, which needs no other file system.
# shellcheck disable=SC2016
check 'train with a limit on file sizes' bash -c "limit='ulimit -f 40' . ./full.sh"

if [ -w /dev/full ]; then
    for words in '--help' 'rollout --help' 'clip info in/stand.txt' "model info runs/whole/actor.onnx" "${roll[*]} --json -" "${roll[*]}"; do
        # shellcheck disable=SC2086
        "$amble" $words >/dev/full 2>log/err
        status=$?
        : >log/out
        if [ $status -ne 2 ] || ! grep -q '^amble.*standard output' log/err; then
            bad "amble $words >/dev/full" "exit status $status"
        else
            pass
        fi
    done
fi
# Closed standard output: no file may take its number and get what was meant for it.
cp $good before.bin
"$amble" rollout --no-policy "${stand[@]}" --seconds .2 --envs 1 --json - >&- 2>log/err
status=$?
check 'rollout with standard output closed' test $status -eq 2 -a -s log/err
"$amble" train --resume $good "${stand[@]}" --samples 6100 --out runs/closed --json - >&- 2>log/err
status=$?
check 'train with standard output closed' test $status -ne 0
check 'train with standard output closed, curves' bash -c '! grep -q normalised_return\" runs/closed/* 2>/dev/null'
"$amble" rollout --no-policy "${stand[@]}" --seconds .2 --envs 1 --json quiet.json >&- 2>log/err </dev/null
check 'rollout to a file with standard output closed' fields quiet.json hash

# ---- The count ----

echo "[==========] $((passed + ${#failed[@]})) test(s) run."
echo "[  PASSED  ] $passed test(s)."
[ "$skipped" -gt 0 ] && echo "[  SKIPPED ] $skipped test(s)."
if [ ${#failed[@]} -gt 0 ]; then
    echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
    printf '[  FAILED  ] %s\n' "${failed[@]}"
    exit 1
fi
