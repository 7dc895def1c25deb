#!/usr/bin/env bash
# amble-serve as its clients use it: the Open Inference Protocol in JSON and binary, added, removed and damaged models, bad requests, limits, TLS,
# tokens, signals. Its last lines count like cmocka's. Needs curl; without it everything is skipped.
#
#   tests/test_serve.sh PATH/TO/amble-serve
set -u
serve=$(realpath "$1") || exit 1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if ! command -v curl >/dev/null 2>&1; then
    echo "SKIPPED: curl is missing"
    exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-serve-XXXXXX") || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=()

check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed+=("$name")
        printf '[  FAILED  ] %s\n' "$name"
        head -c 300 body 2>/dev/null | sed 's/^/    body: /'
        sed 's/^/    stderr: /' err 2>/dev/null | head -n 5
    fi
}

start() { # start [OPTIONS]: sets $pid and $at
    : >out
    "$serve" --port 0 --threads 2 "$@" >out 2>err &
    pid=$!
    for _ in $(seq 200); do
        at=$(sed -n 's/^amble-serve: //p' out)
        [ -n "$at" ] && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep .05
    done
    return 1
}

stop() { # ends it and keeps its exit status in $status
    kill -TERM "$pid" 2>/dev/null
    wait "$pid"
    status=$?
    pid=
}

ask() { # ask PATH [CURL OPTIONS]: the answer in `body`, its status in $code
    local path=$1
    shift
    code=$(curl -s -m 20 -o body -w '%{http_code}' "$@" "$at$path")
}

refuses() { # refuses STATUS TEXT PATH [CURL OPTIONS]: with the protocol's JSON error
    local status=$1 text=$2
    shift 2
    ask "$@"
    [ "$code" = "$status" ] && grep -q '^{"error":"' body && grep -qF -- "$text" body
}

mkdir models models/versioned models/versioned/1 models/versioned/3
cp "$root/assets/models/deepphase.onnx" models/phase.onnx
cp "$root/tests/data/onnx/good/act_elu.onnx" models/versioned/1/model.onnx
cp "$root/tests/data/onnx/good/gemm_opset13.onnx" models/versioned/3/model.onnx
cp "$root/tests/data/graph/exports/rsl_lstm_batch.onnx" models/lstm.onnx
echo nonsense >models/broken.onnx
check 'it starts beside a broken file' start --models models --log-requests
check 'and says which one' grep -q 'models/broken.onnx: ' err

# ---- metadata ----
for path in /v2 /v2/health/live /v2/health/ready /v2/models /v2/models/phase /v2/models/phase/versions/1 /v2/models/phase/ready \
    /v2/models/phase/config /v2/models/phase/stats /v2/models/versioned/versions/1 /metrics /v1/status; do
    ask $path
    check "GET $path" test "$code" = 200
done
ask /v2/models/versioned
check 'all versions are listed' grep -q '"versions":\["1","3"\]' body
check 'the highest version is the default' grep -q '"inputs":\[{"name":"x"' body
ask /v2/models
check 'also in the list of models' grep -q '"versions":{.*"versioned":\["1","3"\]' body
check 'no such model' refuses 404 'there is no model \"walk\"' /v2/models/walk
check 'no such version' refuses 404 'of version 2' /v2/models/versioned/versions/2
check 'a version that is no number' refuses 404 'a whole number from 1' /v2/models/versioned/versions/x
check 'a broken model' refuses 404 'there is no model' /v2/models/broken
check 'no such page' refuses 404 'there is no /v3' /v3
# refuses_method METHOD PATH ALLOWED
refuses_method() {
    code=$(curl -s -m 20 -o body -D headers -w '%{http_code}' -X "$1" "$at$2")
    [ "$code" = 405 ] && grep -q "^{\"error\":\"$2 does not take $1" body && grep -qi "^Allow: $3.\$" headers
}
check 'DELETE is not allowed' refuses_method DELETE /v2 'GET, HEAD'
check 'POST of a model' refuses_method POST /v2/models/phase 'GET, HEAD'
check 'GET of an inference' refuses_method GET /v2/models/phase/infer POST
check 'GET of the repository' refuses_method GET /v2/repository/index POST
check 'DELETE of nothing' refuses 404 'there is no /nothing' /nothing -X DELETE
check 'HEAD' sh -c "curl -s -m 20 -I '$at/v2/models/phase' | tr -d '\r' >headers && grep -q ' 200 ' headers && ! grep -q '^content-length: 0$' headers"
long() { head -c "$1" /dev/zero | tr '\0' x; }
check 'a long address' refuses 414 'longer than 1023 bytes' "/v2/$(long 9000)"
check 'a longer one' refuses 414 'longer than 1023 bytes' "/v2/$(long 40000)"
ask /v2 -H "Cookie: $(long 30000)"
check 'a long cookie' test "$code" = 200
check 'a version with a sign' refuses 404 'a whole number from 1' /v2/models/versioned/versions/+1
check 'an index that is no JSON' refuses 400 '\"ready\" is true or false' /v2/repository/index -d '{"ready":1}'
ask /v2/repository/index -d '{"ready":true}'
check 'the index of what is loaded' sh -c "! grep -q UNAVAILABLE body"
# Requests in one piece, of which the second has a body: libwebsockets must not be stuck on it.
piece=$'POST /v2/repository/index HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}'
exec 3<>"/dev/tcp/127.0.0.1/${at##*:}"
printf '%s%s' "$piece" "$piece" >&3
timeout 20 cat <&3 >answers
exec 3>&-
check 'the first of two is answered' grep -q '^HTTP/1.1 200' answers
check 'the second is refused' grep -q '"error":"a request with a body must be sent after the answer' answers
ask /v2
check 'and others are answered' test "$code" = 200
ask /v2/repository/index -X POST
check 'the index has the broken one' grep -q '"name":"broken","version":"1","state":"UNAVAILABLE","reason":"models/broken.onnx' body

# ---- inference ----
numbers() { # numbers COUNT: 0.1, 0.2, ... as a list
    seq "$1" | awk '{ printf "%s%g", (NR > 1 ? "," : ""), ($1 % 7) / 10 } END { print "" }'
}
printf '{"id":"a","inputs":[{"name":"input","shape":[2,132],"datatype":"FP32","data":[%s]}]}' "$(numbers 264)" >two.json
ask /v2/models/phase/infer -d @two.json
check 'inference in JSON' test "$code" = 200
check 'names its model, version and request' grep -q '^{"model_name":"phase","model_version":"1","id":"a","outputs":\[{"name":"output","datatype":"FP32","shape":\[2,2\],"data":\[' body
sed 's/.*"data":\[\(.*\)\]}\]}/\1/' body >json_numbers
# The same rows as bytes, through od and back.
numbers 264 | tr , '\n' | awk 'BEGIN { ORS = "" } { print $1 "\n" }' >list
if command -v python3 >/dev/null 2>&1; then
    python3 -c "import struct; open('rows', 'wb').write(b''.join(struct.pack('<f', float(x)) for x in open('list')))"
    head='{"inputs":[{"name":"input","shape":[2,132],"datatype":"FP32","parameters":{"binary_data_size":1056}}],"parameters":{"binary_data_output":true}}'
    { printf '%s' "$head"; cat rows; } >binary
    code=$(curl -s -m 20 -o body -D headers -w '%{http_code}' --data-binary @binary -H "Inference-Header-Content-Length: ${#head}" "$at/v2/models/phase/infer")
    check 'inference in binary' test "$code" = 200
    length=$(sed -n 's/^[Ii]nference-[Hh]eader-[Cc]ontent-[Ll]ength: *\([0-9]*\).*/\1/p' headers)
    check 'the answer says where its tensors begin' test -n "$length"
    check 'both say the same' python3 -c "
import json, struct
text = open('body', 'rb').read()
found = struct.unpack('<4f', text[${length:-0}:])
expected = [float(x) for x in open('json_numbers').read().split(',')]
assert json.loads(text[:${length:-0}])['outputs'][0]['parameters']['binary_data_size'] == 16
assert all(abs(a - b) < 1e-6 for a, b in zip(found, expected)), (found, expected)"
    check 'bytes that do not fit their shape' refuses 400 'expected 1056' /v2/models/phase/infer --data-binary "${head/1056/1052}" -H "Inference-Header-Content-Length: ${#head}"
    check 'a header longer than the body' refuses 400 'but the body has' /v2/models/phase/infer --data-binary "$head" -H 'Inference-Header-Content-Length: 99999'
fi
# A network that is no chain of dense layers: three inputs, three outputs, a state (1, rows, 16).
ask /v2/models/lstm
check 'metadata of a graph' grep -q '"inputs":\[{"name":"obs","datatype":"FP32","shape":\[-1,18\]},{"name":"h_in","datatype":"FP32","shape":\[1,-1,16\]}' body
ask /v2/models/lstm/config
check 'configuration of a graph' grep -q '"data_type":"TYPE_FP32","dims":\[1,-1,16\].*3 dense parts' body
list() { printf '[%s%s]' "$(printf "$1,%.0s" $(seq $(($2 - 1))))" "$1"; }
state='"shape":[1,2,16],"datatype":"FP32","data":'$(list 0.1 32)
graph_inputs='"inputs":[{"name":"obs","shape":[2,18],"datatype":"FP32","data":'$(list 0.5 36)'},{"name":"h_in",'$state'},{"name":"c_in",'$state'}]'
ask /v2/models/lstm/infer -d "{$graph_inputs,\"id\":\"g\"}"
check 'inference with a graph' test "$code" = 200
check 'its outputs' grep -q '"id":"g","outputs":\[{"name":"actions","datatype":"FP32","shape":\[2,5\],"data":\[.*"h_out","datatype":"FP32","shape":\[1,2,16\]' body
ask /v2/models/lstm/infer -d "{$graph_inputs,\"outputs\":[{\"name\":\"c_out\",\"parameters\":{\"binary_data\":true}}]}"
check 'one output in binary' grep -q '"name":"c_out","datatype":"FP32","shape":\[1,2,16\],"parameters":{"binary_data_size":128}}' body
lstm=/v2/models/lstm/infer
check 'a graph, an input too few' refuses 400 'has 1 entries, expected 3' $lstm -d '{"inputs":[{"name":"obs","shape":[1,18],"datatype":"FP32","data":[1]}]}'
check 'a graph, other rows' refuses 400 'an input before it 2 rows' $lstm -d "{${graph_inputs/1,2,16/1,3,16}}"
check 'a graph, another shape' refuses 400 'expected [rows,18]' $lstm -d "{${graph_inputs/2,18/18}}"
check 'a graph, another type' refuses 400 'datatype \"INT64\", expected FP32' $lstm -d "{${graph_inputs/FP32/INT64}}"
check 'a graph, another input' refuses 400 'there is no input \"speed\"' $lstm -d "{${graph_inputs/obs/speed}}"
check 'a graph, an input twice' refuses 400 'is given twice' $lstm -d "{${graph_inputs/c_in/h_in}}"
check 'a graph, another output' refuses 400 'there is no output \"torque\"' $lstm -d "{$graph_inputs,\"outputs\":[{\"name\":\"torque\"}]}"

infer=/v2/models/phase/infer
check 'not JSON' refuses 400 'is not JSON: line 1' $infer -d 'what'
check 'an empty body' refuses 400 'is not JSON' $infer -X POST
check 'no inputs' refuses 400 '\"inputs\" has 0 entries' $infer -d '{}'
check 'another input' refuses 400 'there is no input \"obs\", expected \"input\"' $infer -d '{"inputs":[{"name":"obs","shape":[1,132],"datatype":"FP32","data":[1]}]}'
check 'another type' refuses 400 'datatype \"INT64\", expected FP32' $infer -d '{"inputs":[{"name":"input","shape":[1,132],"datatype":"INT64","data":[1]}]}'
check 'another shape' refuses 400 'has shape [1,131], expected [rows,132]' $infer -d '{"inputs":[{"name":"input","shape":[1,131],"datatype":"FP32","data":[1]}]}'
check 'no rows' refuses 400 'expected 1 to 65536 rows' $infer -d '{"inputs":[{"name":"input","shape":[0,132],"datatype":"FP32","data":[]}]}'
check 'endless rows' refuses 400 'expected 1 to 65536 rows' $infer -d '{"inputs":[{"name":"input","shape":[99999999999,132],"datatype":"FP32","data":[]}]}'
check 'too few numbers' refuses 400 'are 1 numbers, expected 132' $infer -d '{"inputs":[{"name":"input","shape":[1,132],"datatype":"FP32","data":[1]}]}'
check 'text among the numbers' refuses 400 'are not a list' $infer -d '{"inputs":[{"name":"input","shape":[1,132],"datatype":"FP32","data":["1"]}]}'
check 'another output' refuses 400 'there is no output \"torque\"' $infer -d '{"inputs":[],"outputs":[{"name":"torque"}]}'
check 'a parameter that is neither true nor false' refuses 400 '\"binary_data_output\" is not true or false' $infer -d '{"inputs":[],"parameters":{"binary_data_output":1}}'
check 'and of an output' refuses 400 '\"binary_data\" is not true or false' $infer -d '{"inputs":[],"outputs":[{"name":"output","parameters":{"binary_data":"yes"}}]}'
check 'a length with a sign' refuses 400 'Inference-Header-Content-Length is not a whole number' $infer -d '{}' -H 'Inference-Header-Content-Length: +2'
check 'half a row' refuses 400 'has shape [1.5,132]' $infer -d '{"inputs":[{"name":"input","shape":[1.5,132],"datatype":"FP32","data":[1]}]}'
check 'compressed' refuses 415 'gzip' $infer -d '{}' -H 'Content-Encoding: gzip'
check 'chunked' refuses 411 'expected Content-Length' $infer -d '{}' -H 'Transfer-Encoding: chunked'
ask $infer -d @two.json
check 'it still answers' test "$code" = 200
ask /metrics
check 'counts what was answered' grep -q '^amble_requests_total{model="phase",version="1"} 3$' body

# The client for measurements: all that it sends is answered as it expects, with every format and loop.
bench=$(dirname "$serve")/amble-bench
if [ -x "$bench" ]; then
    asked=(requests --port "${at##*:}" --model phase --count 40 --connections 3)
    for words in '' '--format json --rows 3' '--rate 500' '--mix --connections 2'; do
        # shellcheck disable=SC2086
        check "amble-bench requests $words" sh -c '"$@" >bench_out 2>&1' sh "$bench" "${asked[@]}" $words --json requests.json
        check 'counts what was answered' grep -q '"requests": *40,.*"errors": *0' <(tr -d '\n' <requests.json)
    done
    check 'in the open loop from when it was due' grep -q 'latency_from_sent' <("$bench" "${asked[@]}" --rate 500 --json -)
    "$bench" "${asked[@]}" --model nothing >bench_out 2>&1
    check 'a model that is not there' test $? -ne 0
    check 'is a sentence' grep -q "^amble-bench: /v2/models/nothing of port ${at##*:}: the answer's status is 404, expected 200$" bench_out
    "$bench" "${asked[@]}" --model lstm >bench_out 2>&1
    check 'a model of another kind' grep -q '^amble-bench: model "lstm": expected one input of FP32' bench_out
    "$bench" requests --port 1 >bench_out 2>&1
    check 'nobody is there' grep -q '^amble-bench: cannot connect to port 1 of 127.0.0.1: ' bench_out
fi

# Two requests that are run together: what the one brings (inputs of 1000, which need fp32) changes no bit of the other's answer, which an
# integer precision gives.
cp "$root/assets/models/stylevae_decoder.onnx" models/decoder.onnx
latent() { printf '{"inputs":[{"name":"%s","shape":[1,256],"datatype":"FP32","data":[%s]}]}' "$name" "$1"; }
first=$at first_pid=$pid
check 'another server starts, which gathers requests' start --models models --threads 1 --max-delay 300000
ask /v2/models/decoder
name=$(sed 's/.*"inputs":\[{"name":"\([^"]*\)".*/\1/' body)
latent "$(numbers 256)" >near.json
latent "$(seq 256 | sed 's/.*/1000/' | paste -sd,)" >far.json
decode=/v2/models/decoder/infer
ask $decode -d @near.json
check 'one request alone' test "$code" = 200
cp body alone.json
ask /metrics
check 'ran in an integer precision' grep -q '^amble_fp32_batches_total{model="decoder",version="1"} 0$' body
curl -s -m 20 -o far_body -d @far.json "$at$decode" &
far=$!
ask $decode -d @near.json
wait "$far"
check 'is answered the same beside another one' cmp body alone.json
ask /metrics
check 'which ran in fp32' grep -q '^amble_fp32_batches_total{model="decoder",version="1"} 1$' body
stop
at=$first pid=$first_pid
rm models/decoder.onnx

# ---- the folder ----
cp "$root/assets/models/walk.onnx" models/walk.onnx
kill -HUP "$pid"
for _ in $(seq 100); do
    ask /v2/models/walk
    [ "$code" = 200 ] && break
    sleep .05
done
check 'a new file is there after SIGHUP' test "$code" = 200
echo nonsense >models/walk.onnx
ask /v2/repository/models/walk/load -X POST
check 'a broken file is refused' test "$code" = 400
ask /v2/models/walk
check 'and the old one goes on' test "$code" = 200
ask /v2/repository/models/phase/unload -X POST
check 'unload' test "$code" = 200
check 'what is unloaded is gone' refuses 404 'there is no model' /v2/models/phase
ask /v2/repository/models/phase/load -X POST
check 'load' test "$code" = 200
ask /v2/models/phase/ready
check 'what is loaded is there' test "$code" = 200
check 'no such file to load' refuses 400 'there is no model \"fly\"' /v2/repository/models/fly/load -X POST
# ---- ensembles, motions, pages, identification ----
for path in /v2/models/style_motion /v2/models/style_motion/ready /v2/models/style_motion/config /v2/models/deepphase_sequence /v1/skills; do
    ask $path
    check "GET $path" test "$code" = 200
done
ask /v2/models
check 'the ensembles are listed' grep -q '"deepphase_sequence","style_motion"\]' body
style=/v2/models/style_motion/infer
ask $style -d '{"id":"x","inputs":[{"name":"style","shape":[1],"datatype":"BYTES","data":["walk:0.7,zombie:0.3"]}]}'
check 'a style as a window' grep -q '^{"model_name":"style_motion","model_version":"1","id":"x","outputs":\[{"name":"window","datatype":"FP32","shape":\[1,60,73\],"data":\[' body
check 'of 4380 numbers' test "$(tr , '\n' <body | wc -l)" -ge 4380
check 'no such style' refuses 400 'there is no style \"ballet\"' $style -d '{"inputs":[{"name":"style","shape":[1],"datatype":"BYTES","data":["ballet"]}]}'
check 'neither style nor latent' refuses 400 'expected one of the inputs' $style -d '{"inputs":[{"name":"style","shape":[1],"datatype":"BYTES","data":[""]}]}'
check 'a latent of another size' refuses 400 'expected the shape [rows,256]' $style -d '{"inputs":[{"name":"latent","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}'
check 'a style of another type' refuses 400 'has datatype \"FP32\", expected BYTES' $style -d '{"inputs":[{"name":"style","shape":[1],"datatype":"FP32","data":["walk"]}]}'
phases=/v2/models/deepphase_sequence/infer
printf '{"inputs":[{"name":"frames","shape":[3,132],"datatype":"FP32","data":[%s]},{"name":"dt","shape":[1],"datatype":"FP32","data":[0.0333]}],"outputs":[{"name":"phase"},{"name":"period_s"}]}' "$(numbers 396)" >three.json
ask $phases -d @three.json
check 'phases of a sequence' grep -q '"outputs":\[{"name":"phase","datatype":"FP32","shape":\[3\],"data":\[.*{"name":"period_s","datatype":"FP32","shape":\[1\]' body
check 'outputs that are no list' refuses 400 '\"outputs\" is not a list' $phases -d '{"inputs":[{"name":"frames","shape":[1,132],"datatype":"FP32","data":['"$(numbers 132)"']}],"outputs":"phase"}'
check 'no frames' refuses 400 'has no \"frames\"' $phases -d '{"inputs":[{"name":"dt","shape":[1],"datatype":"FP32","data":[0.03]}]}'
check 'a dt of 0' refuses 400 '\"dt\" is 0 s' $phases -d '{"inputs":[{"name":"dt","shape":[1],"datatype":"FP32","data":[0]}]}'
check 'too few frames' refuses 400 'are not 264 numbers' $phases -d '{"inputs":[{"name":"frames","shape":[2,132],"datatype":"FP32","data":[1]}]}'
ask '/v1/motion?style=walk:0.7,zombie:0.3&format=bvh'
check 'a motion as BVH' grep -q '^HIERARCHY' body
ask '/v1/motion?style=run'
check 'a motion as DeepMimic writes it' grep -q '"Frames"' body
ask '/v1/motion?format=npz&style=run'
check 'a motion as npz' test "$(head -c 2 body)" = PK
ask '/v1/motion?format=glb&style=run'
check 'a motion as binary glTF' test "$(head -c 4 body)" = glTF
check 'a motion of no set' refuses 404 'there is no set of models \"mine\"' '/v1/motion?style=run&set=mine'
ask '/v1/motion?style=walk%3A0.7%2Czombie%3A0.3&set=default'
check 'an encoded mixture' grep -q '"Frames"' body
check 'a motion of no style' refuses 404 'there is no style \"ballet\"' '/v1/motion?style=ballet'
check 'a motion without a style' refuses 400 'expected /v1/motion?style=NAME' /v1/motion
check 'a motion in another format' refuses 400 'expected txt, bvh, glb or npz' '/v1/motion?style=run&format=fbx'
check 'characters without a WebSocket' refuses 426 'is a WebSocket' /v1/characters
for path in / /models /app.js /render.js /client.js /models.js /style.css /icon.svg; do
    code=$(curl -s -m 20 -o body -D headers -w '%{http_code}' "$at$path")
    check "the page $path" test "$code" = 200 -a -s body
    check "$path may load nothing foreign" grep -qi "^Content-Security-Policy: default-src 'self'" headers
done
check 'no page names another host' sh -c "! grep -hoE '(src|href)=\"?https?://' \"$root\"/server/web/*"
curl -s -m 20 -o body -D headers -H 'X-Request-Id: mine-1' -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' "$at/v2"
check 'the request id comes back' grep -qi '^X-Request-Id: mine-1' headers
check 'the trace goes through' grep -qi '^traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' headers
check 'requests are logged as JSON' grep -q '"request_id":"mine-1".*"path":"/v2","status":200.*"traceparent":"00-0af' err
ask /metrics
for name in amble_characters amble_frame_late_seconds_count amble_step_seconds_sum amble_missed_deadlines_total 'amble_events_total{event="fell"}' \
    'amble_http_errors_total{status="404"}' process_cpu_seconds_total; do
    check "metric $name" grep -qF "$name " body
done
if command -v promtool >/dev/null 2>&1; then
    check 'promtool accepts the metrics' promtool check metrics <body
    check 'and the alert rules' promtool check rules "$root/deploy/prometheus/alerts.yml"
    check 'which fire when they should' promtool test rules "$root/deploy/prometheus/alerts_test.yml"
fi
check 'it is healthy' "$serve" --check "$at"
check 'nobody is at port 1' sh -c "! '$serve' --check http://127.0.0.1:1"
stop
check 'SIGTERM ends it' test "$status" = 0

# ---- another set of models ----
mkdir few
python3 - "$root/assets/models/styles.json" few/styles.json 2>/dev/null <<'P' && {
import json, sys
o = json.load(open(sys.argv[1]))
o["styles"] = [s for s in o["styles"] if s["name"] == "zombie"]
json.dump(o, open(sys.argv[2], "w"))
P
    check 'it starts with another set' start --models models --set few=few --max-characters 0
    ask '/v1/motion?style=zombie&set=few'
    check 'whose style is a motion' grep -q '"Frames"' body
    check 'and which has no others' refuses 404 'known styles: zombie' '/v1/motion?style=walk&set=few'
    ask '/v1/motion?style=walk'
    check 'but the default set has' test "$code" = 200
    stop
}

# ---- a socket from systemd ----
if command -v systemd-socket-activate >/dev/null 2>&1; then
    port=$((20000 + $$ % 20000))
    systemd-socket-activate -l 127.0.0.1:$port "$serve" --models models --max-characters 0 >out 2>err &
    pid=$!
    at=http://127.0.0.1:$port
    for _ in $(seq 100); do
        ask /v2/health/ready
        [ "$code" = 200 ] && break
        sleep .05
    done
    check 'an inherited socket is served' test "$code" = 200
    ask $infer -d @two.json
    check 'with inference' test "$code" = 200
    stop
    check 'and left at the end' test "$status" = 0
fi

# ---- limits, tokens, options ----
echo secret >token
check 'it starts with a token' start --models models --token-file token --max-body .001
check 'no token' refuses 401 'Authorization' /v2/models
check 'a wrong token' refuses 401 'Authorization' /v2/models -H 'Authorization: Bearer secre'
ask /v2/models -H 'Authorization: Bearer secret'
check 'the right token' test "$code" = 200
ask /v2/health/live
check 'health needs none' test "$code" = 200
check 'a body that is too long' refuses 413 'expected at most 1000' /v2/models/phase/infer -d @two.json -H 'Authorization: Bearer secret'
port=${at##*:}
"$serve" --port "$port" >out2 2>err2
check 'a port that is taken' test $? = 2
check 'is a sentence' grep -q "cannot listen on port $port of 127.0.0.1" err2
stop
for words in '--set few' '--set few=nowhere' '--set default=.' '--port 70000' '--threads 0' '--max-queue x' '--models nowhere' '--token-file nowhere' '--tls-cert x.pem' 'word'; do
    # shellcheck disable=SC2086
    "$serve" $words >out2 2>err2
    check "$words is refused" test $? = 2 -a -s err2
done

total=$((passed + ${#failed[@]}))
echo "[==========] $total test(s) run."
echo "[  PASSED  ] $passed test(s)."
if [ ${#failed[@]} -gt 0 ]; then
    echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
    printf '[  FAILED  ] %s\n' "${failed[@]}"
    exit 1
fi
