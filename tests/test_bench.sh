#!/usr/bin/env bash
# amble-bench as its users run it: each benchmark runs for a short time and prints valid JSON; bad options get one sentence and exit status 2.
#
#   tests/test_bench.sh PATH/TO/amble-bench
#
# Its last lines count like cmocka's. Needs no clips and no network; tests that need gnuplot or python3 are skipped without
# them. No test depends on times.
set -u

bench=$(realpath "$1") || exit 1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
onnx=$root/tests/data/onnx
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-bench-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir in log
unset AMBLE_CLIPS
export AMBLE_ASSETS=${AMBLE_ASSETS:-$root/assets}

passed=0
failed=()
skipped=0

pass() { passed=$((passed + 1)); }
bad() { # bad NAME WHAT: one failed test
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
skip() {
    skipped=$((skipped + 1))
    printf 'SKIPPED: %s\n' "$1"
}

run() {
    "$bench" "$@" >log/out 2>log/err
    status=$?
}

# refuse 'PARTS' ARGUMENTS...: exit status 2, nothing on standard output, one first sentence with each of the parts (a|b), no file made.
refuse() {
    local parts=$1 part first before after
    shift
    before=$(ls -A .)
    run "$@"
    after=$(ls -A .)
    first=$(head -n 1 log/err)
    if [ "$status" -ne 2 ]; then
        bad "amble-bench $*" "exit status $status, expected 2"
        return
    fi
    [[ $first == amble* ]] && [ ! -s log/out ] && [ "$before" = "$after" ] || {
        bad "amble-bench $*" "expected one sentence, no output and no new file"
        return
    }
    local IFS='|'
    for part in $parts; do
        [[ $first == *"$part"* ]] || {
            bad "amble-bench $*" "expected a sentence with \"$part\""
            return
        }
    done
    pass
}

if command -v python3 >/dev/null 2>&1; then python=1; else python=0; fi

# holds FILE EXPRESSION...: the file is one JSON value `o`, without NaN, and each Python expression about it is true.
holds() {
    if [ $python -eq 0 ]; then
        skip 'JSON is not checked: python3 is missing'
        return 0
    fi
    python3 - "$@" <<'PY'
import json, sys
def refuse(word): raise ValueError(word + " is not JSON")
o = json.load(open(sys.argv[1]), parse_constant=refuse)
for text in sys.argv[2:]:
    if not eval(text, {"o": o}):
        sys.exit(f"{text} is not so")
PY
}

# A body that stands with one arm swinging.
awk 'BEGIN {
    printf "{\"Loop\": \"wrap\", \"Frames\": [\n"
    for (f = 0; f < 31; f++) {
        split("0.0333333 0 0.881416 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 -0.1 1 0 0 0 1 0 0 0 0.3 1 0 0 0 -0.1 1 0 0 0 1 0 0 0 0.3", v, " ")
        v[30] = .3 + .2 * sin(6.283185307 * f / 30)
        line = ""
        for (i = 1; i <= 44; i++) line = line (i > 1 ? ", " : "") v[i]
        printf "[%s]%s\n", line, f < 30 ? "," : ""
    }
    print "]}"
}' >in/stand.txt

# ---- Help and bad words ----

run --help
check '--help, exit status' test "$status" -eq 0
for sub in nets step latency rollout; do
    check "--help names $sub" grep -q "^  $sub " log/out
done
for sub in nets step latency rollout; do
    "$bench" $sub --help >log/help 2>log/err
    check "$sub --help" test $? -eq 0 -a -s log/help
    refuse 'word' $sub word
    refuse '' $sub --no-such-option
    refuse 'expected' $sub --seconds -1
    refuse 'expected' $sub --seconds nan
    refuse '--seed' $sub --seed 1.5
    refuse '--json' $sub --json ''
done
refuse 'which benchmark'
refuse 'no benchmark "fly"' fly

# ---- nets ----

refuse 'there is no network "word"' nets --networks actor,word
run --version
check 'amble-bench --version' grep -q -E '^amble-bench [0-9]+\.[0-9]+\.[0-9]+$' log/out
run --help
check 'amble-bench --help, environment' grep -q '^  AMB_KERNEL ' log/out
refuse 'nothing.onnx' nets nothing.onnx
refuse 'cut_off.onnx' nets "$onnx/bad/cut_off.onnx"
refuse '--batches is 0|1 to' nets --batches 0
refuse '--batches' nets --batches 1,,2
refuse '--batches' nets --batches 1,x
refuse '--threads is 65|1 to 64' nets --threads 65
refuse '--kernels|"fast"' nets --kernels ref,fast

quick=(--seconds .002 --threads 1)
run nets "${quick[@]}" --networks phase --batches 1,3 --json nets.json
check 'nets, exit status' test "$status" -eq 0
check 'nets, table' grep -q '132-256-128-32-2' log/out
check 'nets, the clock' grep -q 'clock reading' log/out
check 'nets, JSON' holds nets.json 'o["timer_ns"] > 0' 'o["cold"] is False' 'o["networks"][0]["name"] == "phase"' \
    'all(r["network"] == "phase" and r["rows"] in (1, 3) and r["threads"] == 1 for r in o["rows"])' \
    'all(0 < r["us"]["min"] <= r["us"]["p50"] <= r["us"]["p99"] <= r["us"]["max"] for r in o["rows"])' \
    'all(r["gflop_per_s"] > 0 and r["weight_gb_per_s"] > 0 and r["limit_us"] > 0 and r["weight_bytes"] > 60000 for r in o["rows"])' \
    'len({r["kernel"] for r in o["rows"] if r["auto"]}) == 1' '{"ref"} <= {r["kernel"] for r in o["rows"]}' \
    '{p["precision"] for p in o["machine"]["peaks"]} >= {"fp32"}' 'all(p["gop_per_s"] > 0 for p in o["machine"]["peaks"])' \
    'all(r["gb_per_s"] > 0 for r in o["machine"]["reads"])' '[r["level"] for r in o["machine"]["reads"]][:1] != []'
run nets "${quick[@]}" --batches 1 --kernels auto --json -
check 'nets, five networks, exit status' test "$status" -eq 0
check 'nets, five networks' holds log/out '[n["name"] for n in o["networks"]] == ["actor", "critic", "phase", "encoder", "decoder"]' \
    'len(o["rows"]) == 5' 'all(r["auto"] for r in o["rows"])' \
    '[n["parameters"] for n in o["networks"]] == [746020, 728065, 71138, 2505984, 2444316]'
run nets "${quick[@]}" --batches 1 --kernels auto run_critic --json -
check 'nets, a model by its name' holds log/out 'o["networks"][0]["name"] == "run_critic" and o["networks"][0]["parameters"] == 728065'
run nets "${quick[@]}" --batches 2 --kernels ref "$onnx/good/gemm_opset13.onnx" --json -
check 'nets, a file' holds log/out 'o["networks"][0]["name"] == "gemm_opset13.onnx"' 'o["rows"][0]["kernel"] == "ref"' 'len(o["rows"]) == 1'
run nets "${quick[@]}" --batches 1 --kernels auto --networks phase --cold --json -
check 'nets --cold' holds log/out 'o["cold"] is True' 'o["rows"][0]["bound"] in ("DRAM", "memory", "arithmetic")'
run nets --seconds .002 --threads 1,2 --batches 1,16 --kernels auto --networks phase --json -
check 'nets on two threads' holds log/out '[(r["rows"], r["threads"]) for r in o["rows"]] == [(1, 1), (1, 2), (16, 1), (16, 2)]'

# The server: answers line by line; what it computes is what it computes on two threads too; nonsense is answered and does not end it.
printf '\0\0\200\077%.0s' $(seq 30) >in/ones.f32 # 30 times 1.0f: 3 inputs of 2 rows of 5
tab=$(printf '\t')
sed "s/ /$tab/g" >orders <<END
load net $onnx/good/gemm_opset13.onnx fp32
inputs net in/ones.f32 2 3
run net 2 1 out1.f32
run net 2 2 out2.f32
time net 2 1 .001
time net 7 1 .001
memory
load other nothing.onnx fp32
load net $onnx/good/gemm_opset13.onnx fp33
nonsense
inputs net in/ones.f32 2 4
run net
run nobody 2 1 out3.f32
quit
memory
END
"$bench" nets --serve <orders >log/out 2>log/err
check 'server, exit status' test $? -eq 0
check 'server, outputs of two rows of three' test "$(wc -c <out1.f32)" -eq 24
check 'server, outputs on two threads' cmp out1.f32 out2.f32
sed 's/$/,/; 1s/^/[/; $s/,$/]/' log/out >answers.json
check 'server, answers' holds answers.json 'len(o) == 13' 'o[0]["inputs"] == 5 and o[0]["outputs"] == 3 and o[0]["precision"] == "fp32"' \
    'o[1] == {} and o[2] == {} and o[3] == {}' '0 < o[4]["min"] <= o[4]["p50"] <= o[4]["max"] and o[4]["n"] >= 3' \
    'o[6]["resident"] >= o[6]["private"] > 0' 'all("error" in a for a in o[7:]) and "error" in o[5]' '"nothing.onnx" in o[7]["error"]' \
    '"fp33" in o[8]["error"]' '"nonsense" in o[9]["error"]' '"120 bytes" in o[10]["error"]' '"words" in o[11]["error"]' '"nobody" in o[12]["error"]'

# ---- requests: tests/test_serve.sh has a server for it ----

refuse '--rate is -1|0 to' requests --rate -1
refuse '--format is "xml"|binary or json' requests --format xml
refuse '--model is "a b"' requests --model 'a b'
refuse '--count is 0|1 to' requests --count 0
refuse '"word" found' requests word

# ---- latency ----

refuse 'which network?' latency
refuse 'nothing.onnx' latency nothing.onnx
refuse 'one network at a time' latency walk run
refuse '--rate is -1' latency walk --rate -1
refuse '--threads is 65|1 to 64' latency walk --threads 65
refuse '--scheduler is "slow"|fifo or other' latency walk --scheduler slow
refuse '--precision is "fp7"' latency walk --precision fp7
refuse 'more than 4194304 calls' latency walk --rate 100000 --seconds 100
refuse '--peer|is not a Python with onnxruntime' latency walk --seconds .01 --peer ./nothing
run latency "$onnx/good/gemm_opset13.onnx" --rate 2000 --seconds .1 --compete 1 --json latency.json
check 'latency, exit status' test "$status" -eq 0
check 'latency, table' bash -c "grep -q 'missed deadlines: [0-9]* of 200' log/out && grep -q 'beside 1 busy process' log/out"
check 'latency, JSON' holds latency.json '[r["competing"] for r in o["runs"]] == [0, 1]' 'all(r["calls"] == 200 for r in o["runs"])' \
    'all(0 <= r[k]["p50"] <= r[k]["p99"] <= r[k]["p99.9"] <= r[k]["max"] for r in o["runs"] for k in ("compute", "response (from due)"))' \
    'all(r["response (from due)"]["max"] >= r["compute"]["p50"] for r in o["runs"])' 'o["threads"] == 1 and o["rate_hz"] == 2000' \
    'all(0 <= r["missed_deadlines"] <= 200 for r in o["runs"])'
run latency walk --rate 1000 --seconds .05 --threads 2 --rows 3 --precision fp32 --json -
check 'latency on two threads' holds log/out 'o["threads"] == 2 and o["rows"] == 3 and o["precision"] == "fp32"'

# Any other network, call after call.
lstm=$root/tests/data/graph/exports/rsl_lstm_batch
run latency "$lstm.onnx" --rate 1000 --seconds .05 --json -
check 'latency of a graph' holds log/out 'o["graph"] and o["runs"][0]["calls"] == 50 and "dense part" in o["choice"]'
run latency "$lstm.onnx" --rate 0 --seconds .05 --rows 3 --calibrate "obs=$lstm.in.obs.npy"
check 'latency of a graph, table' bash -c "grep -q 'call after call, 3 rows' log/out && grep -q '^  compute ' log/out && ! grep -q deadlines log/out"
run latency walk --rate 0 --seconds .05 --json -
check 'latency without deadlines' holds log/out 'not o["graph"] and o["rate_hz"] == 0 and o["runs"][0]["calls"] > 1' \
    '"response (from due)" not in o["runs"][0]'
refuse 'a graph, which runs on one thread|--threads is 2' latency "$lstm.onnx" --threads 2 --seconds .01
refuse '--rate is 0.05|.1' latency walk --rate .05
refuse '--peer needs deadlines' latency walk --rate 0 --peer python3
refuse 'given for "speed"|"obs"' latency "$lstm.onnx" --calibrate "speed=$lstm.in.obs.npy"
refuse "without an input's name|\"obs\", \"h_in\"" latency "$lstm.onnx" --calibrate "$lstm.in.obs.npy"
refuse '80 numbers a row|takes 18' latency "$lstm.onnx" --calibrate "obs=$lstm.in.h_in.npy"
# Rows without a law of their own, for the shipped actor: its last layer then needs int16.
if command -v python3 >/dev/null; then
    python3 - <<'END'
import random, struct
random.seed(1)
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (300, 246), }".ljust(117) + '\n'
open('normal.npy', 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head.encode() +
                               struct.pack('<%df' % (300 * 246), *(random.gauss(0, 1) for _ in range(300 * 246))))
END
    run nets locomotion --batches 1 --threads 1 --kernels auto --seconds .001 --json -
    own=$(grep -o '"precisions": "[^"]*"' log/out)
    run nets locomotion --batches 1 --threads 1 --kernels auto --seconds .001 --calibrate normal.npy --json -
    check 'nets --calibrate, exit status' test "$status" -eq 0
    check 'nets --calibrate: it has a say' test "$own" != "$(grep -o '"precisions": "[^"]*"' log/out)"
    run step --policy locomotion --style walk --seconds .1 --calibrate normal.npy
    check 'step --calibrate' test "$status" -eq 0
    refuse 'walk|246 numbers a row|takes 197' nets walk --calibrate normal.npy
    refuse 'walk.onnx|246 numbers a row|takes 197' step --policy walk --motion stand --calibrate normal.npy
    refuse '--calibrate with 2 networks' nets walk locomotion --calibrate normal.npy
else
    skip '--calibrate needs python3'
fi
refuse 'normal2.npy' step --calibrate normal2.npy
run graph "$lstm.onnx" --seconds .05 --json -
check 'graph, as it was' holds log/out 'o["p50_us"] > 0 and o["calls"] > 1'
check 'graph, what it is called now' grep -q 'latency --rate 0' log/err

# ---- step ----

stand=(--motion in/stand.txt)
refuse '--scheduler is "walk.onnx"|fifo or other' step "${stand[@]}" --scheduler walk.onnx
refuse '--scheduler is|--rate' step "${stand[@]}" --scheduler other
refuse '--rate' step "${stand[@]}" --spin 10
refuse '--rate is 0' step --rate 0
refuse '--compete is 65|1 to 64' step --compete 65
refuse '--threads is 2|1' step --threads 2
refuse '--plot is "step.pdf"|.png or .svg' step "${stand[@]}" --plot step.pdf
refuse '--plot: nowhere/step.svg: |No such file' step "${stand[@]}" --plot nowhere/step.svg
mkfifo pipe.svg
refuse '--plot: pipe.svg: is a pipe' step "${stand[@]}" --plot pipe.svg
refuse 'nothing.txt' step --motion in/nothing.txt
refuse 'nothing.onnx' step "${stand[@]}" --actor nothing.onnx
refuse 'nothing.onnx' step "${stand[@]}" --critic nothing.onnx
refuse '5 inputs and 3 outputs' step "${stand[@]}" --actor "$onnx/good/gemm_opset13.onnx"
refuse 'from 5 to 3|critic' step "${stand[@]}" --critic "$onnx/good/gemm_opset13.onnx"

parts='observe normalise actor critic action physics reference phase reward'
run step "${stand[@]}" --seconds .1 --compete 1 --json step.json
check 'step, exit status' test "$status" -eq 0
check 'step, table' grep -q 'all but physics / physics' log/out
check 'step, what DeepPhase is fed with' grep -q 'DeepPhase: .*22 points' log/out
check 'step, JSON' holds step.json '[r["competing"] for r in o["runs"]] == [0, 1]' 'all(r["steps"] > 0 for r in o["runs"])' \
    "all(set('$parts'.split()) < set(r['parts_us']) for r in o['runs'])" \
    'all(0 <= p["p50"] <= p["p99"] <= p["p99.9"] <= p["max"] for r in o["runs"] for p in r["parts_us"].values())' \
    "all(abs(sum(r['parts_us'][p]['share'] for p in '$parts'.split()) - 1) < .02 for r in o['runs'])" \
    'all(r["other_to_physics"] > r["other_to_physics_without_reward"] > 0 for r in o["runs"])' 'o["timer_ns"] > 0'
check 'step, no competitor left' bash -c '! pgrep -P 1 -x amble-bench >/dev/null || ! ps -o args= -C amble-bench | grep -q in/stand.txt'
check 'step, nothing is invented along a clip' holds step.json '"invention" not in o["runs"][0]' '"generation" not in o["runs"][0]["parts_us"]'

# Invented motion: another part, and what it costs together with the phase. A second between two draws is enough for many motions.
run step --seconds .05 --json step.json # locomotion.onnx: layers of different precisions
check 'step of the actor for all styles' holds step.json 'o["actor"] == "locomotion.onnx"'
styled=(--actor walk.onnx --seconds .2)
refuse '--style|"limp"|walk, zombie' step --style limp
refuse '--style and --motion exclude each other' step "${stand[@]}" --style walk
refuse '--style-change is for styles that are drawn' step --style walk --style-change 1
refuse '--phase-gain is 30' step --style walk --phase-gain 30
refuse 'nothing.txt' step --style-schedule nothing.txt
run step "${styled[@]}" --style walk --json step.json
check 'step --style, exit status' test "$status" -eq 0
check 'step --style, table' bash -c "grep -q '^  generation ' log/out && grep -q '^following style walk$' log/out && grep -q 'of the step at the median' log/out"
check 'step --style, JSON' holds step.json 'o["actor"] == "walk.onnx" and o["motion"] == "style walk" and o["style_change_s"] == 0' \
    "abs(sum(o['runs'][0]['parts_us'][p]['share'] for p in '$parts generation'.split()) - 1) < .02" \
    'o["timer_readings_a_step"] == 12' '0 < o["runs"][0]["invention"]["share_p50"] < 1 and 0 < o["runs"][0]["invention"]["share"] < 1' \
    'o["runs"][0]["invention"]["us"]["n"] == o["runs"][0]["steps"]' 'o["runs"][0]["invention"]["motions_made"] == 0' \
    'o["runs"][0]["invention"]["steps_while_one_is_made"] == 0 and o["runs"][0]["invention"]["us_while_one_is_made"] is None'
# 600 steps of 1/30 s are 20 s, longer than a walk's actor stays up between draws.
run step --actor walk.onnx --style random-names --style-change .5 --rate 2000 --seconds .3 --json step.json
check 'step --style random, exit status' test "$status" -eq 0
check 'step --style random, table' bash -c "grep -q 'while one is made' log/out && grep -q 'another one every 0.5 s' log/out"
invented='o["runs"][0]["invention"]'
check 'step --style random, JSON' holds step.json 'o["runs"][0]["steps"] == 600 and o["style_change_s"] == .5' \
    "$invented['motions_made'] > 20 and 10 < $invented['motions_changed_to'] <= $invented['motions_made']" \
    "$invented['motions_made'] + $invented['motions_refused'] <= $invented['steps_while_one_is_made'] < 600" \
    "$invented['us_while_one_is_made']['n'] == $invented['steps_while_one_is_made']" \
    "$invented['us_while_one_is_made']['max'] <= $invented['us']['max'] <= $invented['step_of_the_most_us'] <= $invented['slowest_step_us']" \
    "$invented['slowest_step_us'] == o['runs'][0]['parts_us']['whole step (compute)']['max']" \
    "0 <= $invented['steps_over_1_ms_because_of_it'] <= $invented['steps_over_1_ms'] <= 600" \
    "$invented['us']['max'] <= o['runs'][0]['parts_us']['phase']['max'] + o['runs'][0]['parts_us']['generation']['max']"
made() { sed -n 's/.*"motions_made": \([0-9]*\).*/\1/p' step.json; }
count=$(made)
run step --actor walk.onnx --style random-names --style-change .5 --rate 2000 --seconds .3 --json step.json
check 'step --style random, the same motions again' test "$(made)" = "$count"
run step "${styled[@]}" --style walk --phase-gain 1 --json step.json
check 'step --phase-gain, the phase is in the generation' holds step.json '"phase" not in o["runs"][0]["parts_us"]' \
    'o["runs"][0]["invention"]["us"]["max"] == o["runs"][0]["parts_us"]["generation"]["max"]' 'o["timer_readings_a_step"] == 11'
# An actor for all styles is the default where there is one, and follows drawn ones.
cp -rs "$(realpath "$AMBLE_ASSETS")" in/assets
ln -sfn walk.onnx in/assets/models/locomotion.onnx
ln -sfn walk_critic.onnx in/assets/models/locomotion_critic.onnx
other_assets() { AMBLE_ASSETS=$PWD/in/assets run "$@"; }
other_assets step --seconds .1 --json -
check 'step, by default the actor for all styles' holds log/out 'o["actor"] == "locomotion.onnx" and o["motion"] == "style random"' \
    'o["style_change_s"] == 2'
other_assets step --seconds .05 --style jog --json -
check 'step --style, the actor for all styles' holds log/out 'o["actor"] == "locomotion.onnx" and o["motion"] == "style jog"'
other_assets step "${stand[@]}" --seconds .05 --json -
check "step --motion, the walk's actor" holds log/out 'o["actor"] == "walk.onnx" and o["motion"] == "stand"'
rm in/assets/models/locomotion.onnx in/assets/models/locomotion_critic.onnx
other_assets step --style jog --seconds .05 --json -
check "step --style without an actor for all styles, the walk's" holds log/out 'o["actor"] == "walk.onnx" and o["motion"] == "style jog"'

run step "${stand[@]}" --rate 200 --seconds .2 --spin 50 --json -
check 'step --rate, exit status' test "$status" -eq 0
check 'step --rate, how much faster than the clock' holds log/out 'abs(o["real_time_factor"] - 200 / 30) < 1e-6' \
    'abs(o["control_dt_s"] - 1 / 30) < 1e-9'
check 'step --rate, JSON' holds log/out 'o["rate_hz"] == 200 and o["spin_us"] == 50 and o["scheduling"] == "other"' 'o["runs"][0]["steps"] == 40' \
    '0 <= o["runs"][0]["missed_deadlines"] <= 40' '0 <= o["runs"][0]["began_late"] <= 40' \
    'o["runs"][0]["real_time_us"]["response (from due)"]["min"] >= o["runs"][0]["parts_us"]["whole step (compute)"]["min"]'
run step "${stand[@]}" --rate 500 --seconds .05
check 'step --rate, said in the table' grep -q '^500 steps/s of 33.3 ms .*, 16.7 × real time;' log/out
for option in --scheduler --policy; do # --policy is the old spelling
    run step "${stand[@]}" --rate 200 --seconds .05 $option fifo --json -
    if [ "$status" -eq 0 ]; then
        check "step $option fifo" holds log/out 'o["scheduling"] == "fifo"'
    else
        check "step $option fifo, refused" bash -c "[ $status -eq 2 ] && grep -q '^amble-bench: --scheduler fifo: SCHED_FIFO' log/err && [ ! -s log/out ]"
    fi
done
check 'step --policy fifo, a warning' grep -q '^amble-bench step: --policy fifo|other is now called --scheduler' log/err
run step "${stand[@]}" --policy run --seconds .05 --json -
check 'step --policy, an actor by its name' holds log/out 'o["actor"] == "run" and o["scheduling"] == "other"'
check 'step --policy, no warning' test ! -s log/err
# Without the right to SCHED_FIFO it says so.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null 2>&1 && setpriv --bounding-set -sys_nice --inh-caps -sys_nice true 2>/dev/null; then
    setpriv --bounding-set -sys_nice --inh-caps -sys_nice bash -c 'ulimit -r 0; exec "$0" "$@"' "$bench" step "${stand[@]}" --rate 100 \
        --seconds .05 --scheduler fifo >log/out 2>log/err
    check 'step --scheduler fifo without the right' bash -c "[ $? -eq 2 ] && grep -q '^amble-bench: --scheduler fifo: SCHED_FIFO' log/err && [ ! -s log/out ]"
else
    skip 'step --scheduler fifo without the right: setpriv or root is missing'
fi
if command -v gnuplot >/dev/null 2>&1; then
    run step "${stand[@]}" --rate 500 --seconds .1 --compete 1 --plot "it's.svg"
    check 'step --plot, exit status' test "$status" -eq 0
    check 'step --plot, a picture with its curves' bash -c "grep -q '<svg' \"it's.svg\" && grep -q 'response from due, beside 1 busy' \"it's.svg\""
else
    skip 'step --plot: gnuplot is missing'
    refuse 'gnuplot' step "${stand[@]}" --seconds .05 --plot step.svg
fi

# ---- rollout ----

refuse '--envs' rollout --envs 1,0
refuse '--rounds is 0' rollout --rounds 0
refuse 'nothing.onnx' rollout "${stand[@]}" --policy nothing.onnx
if command -v taskset >/dev/null; then # the cores that are granted count, not those that there are; also where threads are bound
    first_core=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
    for bind in false close; do
        OMP_PROC_BIND=$bind taskset -c "$first_core" "$bench" rollout "${stand[@]}" --envs 1 --seconds .2 --rounds 1 --json one.json \
            >log/out 2>log/err
        check "rollout on one core of several, OMP_PROC_BIND=$bind" holds one.json 'o["cores"] == 1' '[r["threads"] for r in o["rows"]] == [1]'
    done
else
    skip 'rollout on one core of several: no taskset'
fi
refuse '--actions: "wild"' rollout --actions wild
run rollout "${stand[@]}" --actions random --envs 1,9 --steps 90 --rounds 2 --json random.json
check 'rollout --actions random, exit status' test "$status" -eq 0
check 'rollout --actions random, JSON' holds random.json 'o["actions"] == "random"' \
    '{(r["envs"], r["steps_each"]) for r in o["rows"]} == {(1, 90), (9, 10)}' 'all(r["steps_per_s"] > 0 for r in o["rows"])'
run rollout "${stand[@]}" --envs 1,9 --seconds .2 --rounds 2 --threads 1 --json rollout.json
check 'rollout, exit status' test "$status" -eq 0
check 'rollout, table' grep -q 'of physics alone' log/out
check 'rollout, JSON' holds rollout.json '[(r["envs"], r["threads"], r["steps_each"]) for r in o["rows"]] == [(1, 1, 6), (9, 1, 6)]' \
    'all(r["rollout_steps_per_s"] > 0 and r["physics_steps_per_s"] > 0 for r in o["rows"])' \
    'all(0 < r["ratio_least"] <= r["ratio"] <= r["ratio_most"] for r in o["rows"])'

# ---- Output that goes nowhere ----

short=(nets --networks phase --batches 1 --threads 1 --seconds .001)
lost() { # lost NAME STATUS: exit status 2 and one sentence
    if [ "$2" -ne 2 ] || [ "$(wc -l <log/err)" -ne 1 ] || ! grep -q '^amble-bench: standard output cannot be written: ' log/err; then
        : >log/out
        bad "$1" "exit status $2"
    else
        pass
    fi
}
mkfifo gone && exec 4<>gone 5>gone 4>&- && rm gone # a pipe that nobody reads
for words in --help 'nets --help' "${short[*]}" "${short[*]} --json -" \
    "step ${stand[*]} --seconds .1" "rollout ${stand[*]} --envs 1 --steps 6 --rounds 1 --threads 1"; do
    if [ -w /dev/full ]; then
        "$bench" $words >/dev/full 2>log/err
        lost "amble-bench $words >/dev/full" $?
    fi
    "$bench" $words >&- 2>log/err
    lost "amble-bench $words >&-" $?
    env --default-signal=PIPE "$bench" $words >&5 2>log/err
    lost "amble-bench $words, unread" $?
done
# Without a reader there is still the file.
env --default-signal=PIPE "$bench" "${short[@]}" --json unread.json >&5 2>log/err
lost 'nets --json FILE, unread' $?
check 'nets --json FILE, unread, the file' test -s unread.json
exec 5>&-

# ---- The comparison ----

if [ $python -eq 1 ]; then
    for file in compare.py compare_worker.py compare_networks.py; do
        check "$file compiles" python3 -c "import ast, sys; ast.parse(open(sys.argv[1]).read())" "$root/bench/$file"
    done
    python3 "$root/bench/compare.py" --bench "$bench" --batches x >log/out 2>log/err
    check 'compare.py --batches x' bash -c "[ $? -eq 2 ] && [ ! -s log/out ] && grep -q 'compare.py: .*whole numbers' log/err"
    python3 "$root/bench/compare.py" --bench nothing >log/out 2>log/err
    check 'compare.py without amble-bench' bash -c "[ $? -eq 2 ] && grep -q 'nothing is not a program' log/err"
fi
# With PyTorch and onnx at hand (AMBLE_BENCH_PYTHON names the Python that has them) one small comparison is made.
other=${AMBLE_BENCH_PYTHON:-python3}
if "$other" -c 'import torch, onnx, numpy' 2>/dev/null; then
    "$other" "$root/bench/compare.py" --bench "$bench" --networks phase --batches 1,3 --threads 1 --rounds 1 --seconds .005 --without compile,max \
        --json compare.json --markdown compare.md >log/out 2>log/err
    check 'compare.py, exit status' test $? -eq 0
    check 'compare.py, JSON' holds compare.json 'len(o["cases"]) == 2' 'all(e["mse"] < 1e-6 for e in o["entries"])' \
        '{"amble auto 1T", "amble fp32 1T", "PyTorch 1T"} <= {e["system"] for e in o["entries"]}' 'len(o["memory"]) >= 4'
    check 'compare.py, Markdown' grep -q '^| amble auto 1T |' compare.md
else
    skip 'compare.py: no Python with torch, onnx and numpy (AMBLE_BENCH_PYTHON)'
fi

# ---- The count ----

echo "[==========] $((passed + ${#failed[@]})) test(s) run."
echo "[  PASSED  ] $passed test(s)."
[ "$skipped" -gt 0 ] && echo "[  SKIPPED ] $skipped test(s)."
if [ ${#failed[@]} -gt 0 ]; then
    echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
    printf '[  FAILED  ] %s\n' "${failed[@]}"
    exit 1
fi
