#!/usr/bin/env bash
# Builds amble and runs its tests on Debian 13 (gcc 14, GLFW 3.4), in a root of its own that debootstrap makes: what a user of that system sees.
#
#   scripts/check-debian13.sh              ./test.sh, then ./run.sh once, then as --mpi
#   scripts/check-debian13.sh --mpi        training over processes with Debian 13's Open MPI and MPICH: tests/test_mpi.sh
#   scripts/check-debian13.sh COMMAND...   another command, in a copy of this tree: scripts/check-debian13.sh ./test.sh --all
#
# The copy has no .git, like an unpacked release. The root stays in .cache/debian13 (2 GB with all packages) so that the next run is short;
# delete that folder to begin anew. Needs root, debootstrap, and the network the first time.
# Exit status 0: passed. 77: it cannot run here, and the last line says why. Any other: what failed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/deps.sh
. "$root/scripts/deps.sh"
cache=$root/.cache/debian13
guest=$cache/root
log=$cache/debootstrap.log

skip() {
    echo "SKIPPED: Debian 13: $*"
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip 'it needs root (chroot)'
command -v debootstrap >/dev/null 2>&1 || skip 'debootstrap is missing (package debootstrap)'
command -v unshare >/dev/null 2>&1 || skip 'unshare is missing (package util-linux)'
unshare --mount true 2>/dev/null || skip 'this machine allows no mounts'

if [ ! -d "$guest" ]; then
    amb_say "making a Debian 13 in $guest (a minute)"
    mkdir -p "$cache"
    rm -rf "$guest.new"
    if ! debootstrap --variant=minbase trixie "$guest.new" >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        skip "debootstrap failed (is there a network?); the whole log is $log"
    fi
    mv "$guest.new" "$guest"
fi

# Build folders of the last run stay: times of files are kept, so only what changed is compiled again.
amb_find_clips
tree=$guest/srv/amble
mkdir -p "$tree/.deps" "$guest/srv/shared/clips"
find "$tree" -mindepth 1 -maxdepth 1 ! -name 'build*' ! -name .deps -exec rm -rf {} +
if git -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
    (cd "$root" && git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done | tar -c --null --no-recursion -T -) | tar -x --no-same-owner -C "$tree"
else
    tar -c -C "$root" --exclude='./build*' --exclude=./.deps --exclude=./.cache --exclude=./runs --exclude=./clips . |
        tar -x --no-same-owner -C "$tree"
fi
cp "$AMBLE_CLIPS"/humanoid3d_*.txt "$guest/srv/shared/clips"
# MuJoCo as it was fetched for this tree, so that it is not fetched twice.
for mujoco in "$root"/.deps/mujoco-*; do
    [ ! -d "$mujoco" ] || [ -e "$tree/.deps/${mujoco##*/}" ] || cp -r "$mujoco" "$tree/.deps/"
done
cp /etc/resolv.conf "$guest/etc/resolv.conf" 2>/dev/null || true

# shellcheck disable=SC2016 # expanded in the guest
mpi='set -e
root=$PWD
. scripts/deps.sh
amb_install build mpi
cmake -S . -B build-mpi -G Ninja --preset release
cmake --build build-mpi --target amble amble-exchange-openmpi.so amble-exchange-mpich.so
mpirun.openmpi --version | head -n 1
mpirun.mpich --version | sed -n "s/^ *Version: */MPICH /p"
tests/test_mpi.sh build-mpi/amble'
if [ $# -eq 0 ]; then
    set -- bash -c './test.sh && ./run.sh rollout --style walk --envs 2 --seconds 2 && build/amble-view --help >/dev/null && exec bash -c "$1"' bash "$mpi"
elif [ "$1" = --mpi ]; then
    set -- bash -c "$mpi"
fi
amb_say "Debian 13: $*"
# The mounts are gone with the process. What this user has in the environment does not reach the guest, but for the way to the network.
keep=()
for name in http_proxy https_proxy no_proxy TERM; do
    [ -z "${!name:-}" ] || keep+=("$name=${!name}")
done
export guest
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --mount --pid --fork --kill-child --propagation private bash -c '
    set -e
    mount -t proc proc "$guest/proc"
    mount -t sysfs -o ro sysfs "$guest/sys" || true # OpenMP asks it about cores
    mkdir -p "$guest/dev/pts" "$guest/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$guest/dev/pts"
    mount -t tmpfs tmpfs "$guest/dev/shm"
    exec chroot "$guest" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
' bash "${keep[@]}" sh -c 'cd /srv/amble && exec "$@"' sh "$@"
