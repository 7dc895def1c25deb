#!/usr/bin/env bash
# Builds everything for AArch64 with Debian's cross compiler, warnings as errors, and runs a part of the tests under qemu: that it compiles and
# works there, not how fast.
#
#   scripts/check-aarch64.sh
#
# Libraries come from this Debian's arm64 packages, unpacked (not installed) into .cache/aarch64 (0.4 GB), MuJoCo from its wheel; delete that
# folder to begin anew. Needs the packages gcc-aarch64-linux-gnu and qemu-user, and the network the first time.
# The last line counts as test.sh's does. Exit status 0: passed. 77: it cannot run here, and the last line says why. Any other: what failed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/deps.sh
. "$root/scripts/deps.sh"
cache=$root/.cache/aarch64
build=$(amb_folder aarch64)
export AMB_SYSROOT=$cache/sysroot
packages=(libc6-dev libgomp1 libdnnl-dev libprotobuf-c-dev libjansson-dev libcmocka-dev libglfw3-dev libpng-dev libgl-dev libegl-dev)
# What differs between processors, what reads and writes files, and the physics; those that take long under qemu are left out.
tests='^(error|rng|histogram|pca|file|npy|clock|net|onnx|onnx_external|onnx_write|kernels|kernels_act|adam|character|kinematics|points|mirror|rotation|clip|clip_sample|observe|reward|settings|gae|checkpoint|options)$'

skip() {
    echo "SKIPPED: AArch64: $*"
    exit 77
}

command -v aarch64-linux-gnu-gcc >/dev/null 2>&1 || skip 'aarch64-linux-gnu-gcc is missing (package gcc-aarch64-linux-gnu)'
command -v qemu-aarch64 >/dev/null 2>&1 || skip 'qemu-aarch64 is missing (package qemu-user)'
command -v apt-get >/dev/null 2>&1 || skip 'the libraries for AArch64 are taken from Debian packages, and there is no apt-get'
amb_check build
[ ${#amb_missing[@]} -eq 0 ] || skip "this machine's own build lacks ${amb_missing[*]}: ./run.sh sees to it"

# apt with lists and a status of its own: this machine's packages are neither looked at nor changed.
if [ ! -d "$AMB_SYSROOT" ]; then
    amb_say "fetching arm64 libraries into $cache"
    apt=$cache/apt
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/state/status"
    own=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$apt/state" -o Dir::State::status="$apt/state/status"
        -o Dir::Cache="$apt/cache" -o APT::Install-Recommends=false -o Debug::NoLocking=1)
    [ "$(id -u)" -ne 0 ] || own+=(-o APT::Sandbox::User=root)
    apt-get "${own[@]}" -qq update >"$cache/apt.log" 2>&1 </dev/null # one source that is away does not matter
    if ! apt-get "${own[@]}" -qq -y install --download-only "${packages[@]}" >>"$cache/apt.log" 2>&1 </dev/null; then
        tail -n 5 "$cache/apt.log" >&2
        skip "the arm64 packages cannot be had (is there a network?); the whole log is $cache/apt.log"
    fi
    rm -rf "$AMB_SYSROOT.new"
    mkdir "$AMB_SYSROOT.new"
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$AMB_SYSROOT.new" || exit 1
    done
    mv "$AMB_SYSROOT.new" "$AMB_SYSROOT"
    rm -rf "$apt"
fi

fail() {
    amb_say "$1"
    echo "${passed:-0} passed, $((${failed:-0} + 1)) failed"
    exit 1
}

amb_say 'AArch64: building'
mkdir -p "$build"
command -v ninja >/dev/null 2>&1 && export CMAKE_GENERATOR=Ninja
cmake -S "$root" -B "$build" --toolchain "$root/cmake/aarch64.cmake" -DCMAKE_BUILD_TYPE=Release -DAMB_WERROR=ON -DAMB_TESTS=ON -DAMB_VIEWER=ON \
    -DAMBLE_DEPS_DIR="$cache/deps" >"$build/configure.log" 2>&1 </dev/null || {
    tail -n 5 "$build/configure.log" >&2
    fail "configuring failed; the whole log is $build/configure.log"
}
amb_build aarch64 || fail 'it does not build'

passed=0
failed=0
# smoke NAME COMMAND...: a program under qemu; its output in $build/smoke.log
smoke() {
    local name=$1
    shift
    if qemu-aarch64 -L "$AMB_SYSROOT" "$@" >"$build/smoke.log" 2>&1 </dev/null; then
        passed=$((passed + 1))
    else
        amb_say "$name failed with status $?:"
        tail -n 5 "$build/smoke.log" >&2
        failed=$((failed + 1))
    fi
}
amb_say 'AArch64: running under qemu'
export OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive AMBLE_ASSETS=$root/assets
for program in amble amble-bench amble-view; do
    smoke "$program --help" "$build/$program" --help
done
smoke 'a network' "$build/amble" model check "$root/assets/models/walk.onnx"
smoke 'a second of walking' "$build/amble" rollout --style walk --seconds 1 --envs 2 --threads 2 --push 0,2 --json "$build/smoke.json"
# Physics is not the same bit for bit on another architecture, but nobody falls within a second.
if grep -q '"survival": 1\(\.0*\)\?[,}]*$' "$build/smoke.json" 2>/dev/null; then
    passed=$((passed + 1))
else
    amb_say "somebody fell within a second: $(grep survival "$build/smoke.json" 2>/dev/null)"
    failed=$((failed + 1))
fi
rm -rf "$build/smoke-run"
smoke 'a training of a few seconds' "$build/amble" train --style walk --envs 4 --steps 16 --minibatches 2 --samples 500 --hidden1 16 --hidden2 8 \
    --out "$build/smoke-run" --threads 2

ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure --no-tests=error -R "$tests" </dev/null 2>&1 | grep --line-buffered -E 'Test +#|tests passed|FAILED|\*\*\*'
status=${PIPESTATUS[0]}
log=$build/Testing/Temporary/LastTest.log
sum() { sed -n "s/^\[ *$1 *\] \([0-9][0-9]*\) test.*/\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'; }
passed=$((passed + $(sum PASSED)))
bad=$(sum FAILED)
[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
failed=$((failed + bad))
skipped=$(sum SKIPPED)
sed -n 's/^SKIPPED: //p' "$log" | sort | uniq -c
line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
[ "$failed" -eq 0 ]
