#!/usr/bin/env bash
# The units of deploy/systemd under a real systemd: a container of this machine's own /usr (systemd-nspawn) boots, systemd being process 1,
# with an installed amble-serve, and tries socket activation, readiness, the sandbox, reload, restart without a lost request, the watchdog, and
# the end.
#
#   scripts/check-systemd.sh [BUILD_FOLDER]     build by default
#
# Needs root and systemd-nspawn (Debian's systemd-container). Exit status 0: passed. 77: it cannot run here, and the last line says why.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath "${1:-$root/build}")

skip() {
    echo "SKIPPED: systemd: $*"
    exit 77
}
[ "$(id -u)" -eq 0 ] || skip 'it needs root'
for program in systemd-nspawn curl; do
    command -v $program >/dev/null 2>&1 || skip "$program is missing"
done
[ -x "$build/amble-serve" ] || skip "there is no $build/amble-serve"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- the container ----
machine=$work/machine
mkdir -p "$machine"/{etc/systemd/system,usr,var/lib,var/log,run,tmp,proc,sys,dev,root,result}
for link in bin sbin lib lib32 lib64; do
    [ ! -L "/$link" ] || cp -a "/$link" "$machine/"
done
cp -aL /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /etc/ld.so.conf* /etc/os-release "$machine/etc/"
: >"$machine/etc/machine-id"
cmake --install "$build" --prefix "$work/usr" >"$work/install.log" || {
    tail -n 5 "$work/install.log"
    exit 1
}
cp "$root"/deploy/systemd/amble-serve.{socket,service} "$machine/etc/systemd/system/"
mkdir -p "$machine/etc/systemd/system/amble-serve.service.d"
printf '[Service]\nWatchdogSec=4\n' >"$machine/etc/systemd/system/amble-serve.service.d/quick.conf" # the test need not wait for 15 s
cat >"$machine/etc/systemd/system/check.service" <<'U'
[Unit]
After=basic.target
Requires=basic.target
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
ExecStart=/bin/bash /result/check.sh
StandardOutput=file:/result/out
StandardError=inherit
TimeoutStartSec=280
U

# ---- what is tried inside ----
cat >"$machine/result/check.sh" <<'S'
at=http://127.0.0.1:8000
failed=0
check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@" >/tmp/log 2>&1; then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        tail -n 5 /tmp/log
        failed=1
    fi
}
show() { systemctl show -P "$1" amble-serve.service; }
get() { curl -sf -m 60 -o /dev/null "$at$1"; }
of_process() { grep -q "$1" "/proc/$(show MainPID)/status"; }
check 'systemd is process 1' sh -c '[ "$(cat /proc/1/comm)" = systemd ]'
check 'systemd-analyze verify' systemd-analyze verify --man=no --recursive-errors=no amble-serve.service amble-serve.socket
check 'the socket listens' systemctl start amble-serve.socket
check 'the service does not run yet' test "$(show ActiveState)" = inactive
check 'the first request starts it' get /v2/health/ready
check 'it has reported that it is ready' test "$(show ActiveState)-$(show Type)" = active-notify
check 'it has the networks' get /v2/models/walk
check 'and live characters' get /v1/skills
check 'and motions, with nothing to write to' get '/v1/motion?style=walk:0.7,zombie:0.3&format=bvh'
check 'it is a user of its own' sh -c "[ $(stat -c %u "/proc/$(show MainPID)") -ge 61184 ]"
check 'it has no capabilities' of_process '^CapEff:[[:space:]]*0*$'
check 'it can gain none' of_process '^NoNewPrivs:[[:space:]]*1$'
check 'its system calls are filtered' of_process '^Seccomp:[[:space:]]*2$'
pid=$(show MainPID)
check 'reload' systemctl reload amble-serve
check 'leaves it running' test "$(show MainPID)" = "$pid"
check 'and answering' get /v2
: >/tmp/lost
(for _ in $(seq 200); do get /v2/health/live || echo lost >>/tmp/lost; done) &
client=$!
check 'restart' systemctl restart amble-serve
check 'restart again' systemctl restart amble-serve
wait $client
check 'loses none of 200 requests' sh -c '! [ -s /tmp/lost ]'
check 'is another process' test "$(show MainPID)" != "$pid"
pid=$(show MainPID)
kill -STOP "$pid"
for _ in $(seq 300); do
    [ "$(show MainPID)" = "$pid" ] || [ "$(show MainPID)" = 0 ] || break
    sleep .2
done
check 'one that hangs is replaced by the watchdog' sh -c "[ $(show NRestarts) -ge 1 ]"
check 'by one that answers' get /v2/health/ready
check 'stop' systemctl stop amble-serve.service
check 'ends it well' test "$(show Result)" = success
systemd-analyze security --no-pager amble-serve.service | tail -n 1
echo "status $failed"
S
timeout 400 systemd-nspawn --quiet --register=no --keep-unit --private-network -D "$machine" --overlay-ro="/usr:$work/usr:/usr" --boot -- \
    systemd.unit=check.service >"$work/console" 2>&1 </dev/null || true
[ -s "$machine/result/out" ] || {
    tail -n 5 "$work/console"
    skip 'the container does not boot here'
}
grep -v '^status ' "$machine/result/out"
grep -q '^status 0$' "$machine/result/out"
