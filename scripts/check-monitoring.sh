#!/usr/bin/env bash
# A real Prometheus (Debian's package) scrapes amble-serve: the metrics arrive, the alert rules load, and every expression of the dashboard is
# evaluated. Also systemd's opinion of the units, where there is systemd-analyze.
#
#   scripts/check-monitoring.sh [PATH/TO/amble-serve [PATH/TO/amble-bench]]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
serve=$(realpath "${1:-$root/build/amble-serve}")
bench=$(realpath "${2:-$root/build/amble-bench}")
for program in prometheus promtool curl python3; do
    command -v $program >/dev/null || {
        echo "SKIPPED: monitoring: $program is missing"
        exit 77
    }
done
work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317
end() {
    kill "${pids[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap end EXIT
promtool check rules "$root/deploy/prometheus/alerts.yml"
promtool test rules "$root/deploy/prometheus/alerts_test.yml"
"$serve" --port 8181 >"$work/out" & pids+=($!)
sed 's/10s/1s/g; s/amble:8000/127.0.0.1:8181/' "$root/deploy/prometheus/prometheus.yml" >"$work/prometheus.yml"
cp "$root/deploy/prometheus/alerts.yml" "$work"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:8182 >"$work/log" 2>&1 & pids+=($!)
for _ in $(seq 100); do
    curl -sf -m 2 http://127.0.0.1:8181/v2/health/ready -o /dev/null && curl -sf -m 2 http://127.0.0.1:8182/-/ready -o /dev/null && break
    sleep .2
done
curl -s http://127.0.0.1:8181/metrics | promtool check metrics
"$bench" characters --port 8181 --characters 8 --clients 2 --seconds 6 >/dev/null
python3 - "$root/deploy/grafana/amble.json" <<'P'
import json, sys, urllib.parse, urllib.request

def ask(expression):
    url = "http://127.0.0.1:8182/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    return json.load(urllib.request.urlopen(url))["data"]["result"]

assert ask('up{job="amble"}')[0]["value"][1] == "1", "the server is not scraped"
assert float(ask("amble_frames_total")[0]["value"][1]) > 200, "no frames are counted"
rules = json.load(urllib.request.urlopen("http://127.0.0.1:8182/api/v1/rules"))["data"]["groups"][0]["rules"]
bad = [r["name"] for r in rules if r["health"] == "err" or r["state"] == "firing"]
assert len(rules) >= 6 and not bad, f"rules that fail or fire: {bad}"
n = empty = 0
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel["targets"]:
        n += 1
        if not ask(target["expr"].replace("$__rate_interval", "5s").replace("$instance", ".*")):
            empty += 1
            print(f"        nothing yet: {panel['title']}")
print(f"ok      {len(rules)} rules, {n} expressions of the dashboard, {empty} without data")
P
if command -v systemd-analyze >/dev/null; then
    sed "s|/usr/bin/amble-serve|$serve|" "$root/deploy/systemd/amble-serve.service" >"$work/amble-serve.service"
    cp "$root/deploy/systemd/amble-serve.socket" "$work"
    systemd-analyze verify --man=no "$work/amble-serve.service" "$work/amble-serve.socket" && echo 'ok      systemd units'
    systemd-analyze security --offline=true "$work/amble-serve.service" 2>/dev/null | tail -n 1 || true
fi
