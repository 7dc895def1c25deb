#!/usr/bin/env bash
# Makes the packages and uses them: the tar.gz unpacked into one folder and moved into another, Debian's unpacked into an empty root (nothing is
# installed). Builds in build-packages/, for Debian's multiarch folders.
#
#   scripts/check-packages.sh
#
# Needs dpkg-deb and dpkg-shlibdeps (package dpkg-dev); runs lintian where it is installed. The last line counts as test.sh's does. Exit status
# 0: passed. 77: it cannot run here, and the last line says why. 1: something failed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/deps.sh
. "$root/scripts/deps.sh"
build=$(amb_folder packages)
unset AMBLE_CLIPS AMBLE_ASSETS LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH DESTDIR
for tool in dpkg-deb dpkg-shlibdeps file; do
    command -v $tool >/dev/null 2>&1 || { echo "SKIPPED: packages: $tool is missing (packages dpkg-dev, file)"; exit 77; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-packages-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

passed=0
failed=0
check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$work/out" 2>&1 </dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        amb_say "failed: $name: $*"
        tail -n 12 "$work/out" | sed 's/^/    /' >&2
    fi
}
finish() {
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
    exit
}
not() { ! "$@"; }
prints() { # prints REGEX COMMAND...
    local regex=$1
    shift
    "$@" >"$work/text" && cat "$work/text" && grep -qE -- "$regex" "$work/text"
}

amb_say 'building and packing in build-packages/'
generator=()
command -v ninja >/dev/null 2>&1 && generator=(-G Ninja)
check 'configuring' cmake -S "$root" -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DAMB_TESTS=OFF \
    -DAMB_SOURCE_PATHS=OFF
check 'building' cmake --build "$build" --parallel "$(nproc)"
rm -rf "$build/packages"
(cd "$build" && check 'cpack' cpack && exit $failed) || { failed=1; finish; }
passed=$((passed + 1))
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")
machine=$(dpkg --print-architecture)
packages=("libamble${version%%.*}" libamble-dev amble)
grep -q '^AMB_VIEWER:.*=OFF' "$build/CMakeCache.txt" || ! [ -x "$build/amble-view" ] || packages+=(amble-view)

# ---- the tar.gz ----

mkdir "$work/first"
check 'the tar.gz' sh -c "tar -xzf '$build'/packages/amble-$version-*.tar.gz -C '$work/first'"
mv "$work/first" "$work/moved"
top=$(echo "$work"/moved/amble-*)
lib=$(dirname "$(find "$top" -name libamble.so)")
check 'one folder' test -d "$top"
check 'amble --version' prints "^amble $version\$" "$top/bin/amble" --version
check 'its models' prints "^$top/.*share/amble/models/walk.onnx: " "$top/bin/amble" model info walk
check 'a rollout' "$top/bin/amble" rollout --style walk --seconds 1 --envs 1
for file in "$top"/bin/* "$lib"/*.so.*.*; do
    check "${file##*/} finds its libraries" not grep -q 'not found' <(ldd "$file")
    check "${file##*/} names no folder of the build" not grep -qF "$root" "$file"
done
examples() { # examples SOURCES BUILD PREFIX
    cmake -S "$1" -B "$2" "${generator[@]}" -DCMAKE_PREFIX_PATH="$3" -DCMAKE_BUILD_TYPE=Release && cmake --build "$2"
}
check 'its examples, through CMake' examples "$top/share/doc/amble/examples" "$work/examples" "$top"
check 'one runs' prints '^/.* at 500 Hz, 50 steps' "$work/examples/policy_loop" "$top/share/amble/models/walk.onnx" .1

# ---- Debian's packages ----

tree=$work/root
mkdir "$tree"
files=()
for package in "${packages[@]}"; do
    file=$build/packages/${package}_${version}_$machine.deb
    files+=("$file")
    check "$package" test -s "$file"
    check 'unpacks' dpkg-deb -x "$file" "$tree"
    dpkg-deb -f "$file" >"$work/control"
    dpkg-deb -c "$file" >"$work/list"
    check 'its copyright' test -s "$tree/usr/share/doc/$package/copyright"
    check 'its changelog' test -s "$tree/usr/share/doc/$package/changelog.gz"
    check 'nothing outside of /usr' not grep -vqE ' \./(usr/.*)?( ->.*)?$' "$work/list"
    check 'owned by root' not grep -vq ' root/root ' "$work/list"
    check 'nobody may write but root' not grep -qE '^[-d].{4}w|^[-d].{7}w' "$work/list"
    check 'a description' grep -qE '^ .*amble drives' "$work/control"
    case $package in
    libamble[0-9]*) needs=libc6 ;;
    *) needs="libamble${version%%.*} (= $version)" ;;
    esac
    check "it depends on $needs" grep -qF "$needs" <(grep '^Depends:' "$work/control")
done
check 'no file is in two packages' test -z "$(for file in "${files[@]}"; do dpkg-deb -c "$file" | grep '^-'; done | awk '{ print $6 }' | sort | uniq -d)"
check 'libraries are registered' grep -q "^libamble ${version%%.*} " <(dpkg-deb -I "${files[0]}" shlibs)
check 'the linker is told' grep -q ldconfig <(dpkg-deb -I "${files[0]}" triggers)
# What the programs and libraries need comes from the packages that they depend on.
needed() { # needed FILE...: packages of the shared libraries that are not amble's
    local name path
    for name in $(for file in "$@"; do readelf -d "$file"; done | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | sort -u); do
        [ -z "$(find "$tree/usr/lib" -name "$name")" ] || continue
        path=$(ldconfig -p | sed -n "s/^[[:space:]]*$name (.*x86-64.*) => //p;s/^[[:space:]]*$name (.*AArch64.*) => //p" | head -n 1)
        dpkg -S "$(realpath "$path")" "$path" 2>/dev/null | head -n 1 | cut -d : -f 1
    done | sort -u
}
depends_on_all() { # depends_on_all DEB FILE...
    local deb=$1 package
    shift
    for package in $(needed "$@"); do
        dpkg-deb -f "$deb" Depends | grep -qE "(^|, )$package( |,|\$)" || { echo "lacks $package"; return 1; }
    done
}
library=$(dirname "$(find "$tree/usr/lib" -name libamble.so)")
check 'the library depends on what it needs' depends_on_all "${files[0]}" "$library/libamble.so"
check 'the programs too' depends_on_all "${files[2]}" "$tree/usr/bin/amble" "$tree/usr/bin/amble-bench"
[ ${#files[@]} -lt 4 ] || check 'the viewer too' depends_on_all "${files[3]}" "$tree/usr/bin/amble-view"
check 'multiarch folders' test "$library" = "$tree/usr/lib/$(gcc -print-multiarch)"
check 'manual pages are packed' test -s "$tree/usr/share/man/man1/amble-train.1.gz"
check 'MuJoCo is named in the copyright file' sh -c "! ls '$library'/libmujoco.so* 2>/dev/null || grep -q libmujoco '$tree'/usr/share/doc/libamble*/copyright"
for file in "$tree"/usr/bin/* "$library"/*.so.*.*; do
    check "${file##*/} is stripped" not grep -q 'not stripped' <(file "$file")
    check "${file##*/} finds its libraries" not grep -q 'not found' <(ldd "$file")
    check "${file##*/} names no folder of the build" not grep -qF "$root" "$file"
done
check 'amble runs there' prints "^amble $version\$" "$tree/usr/bin/amble" --version
check 'with its models' prints "^$tree/usr/.*share/amble/models/walk.onnx: " "$tree/usr/bin/amble" model info walk
check 'a rollout there' "$tree/usr/bin/amble" rollout --style walk --seconds 1 --envs 1
check 'examples there, through CMake' examples "$tree/usr/share/doc/amble/examples" "$work/examples2" "$tree/usr"
cat >"$work/host.c" <<'END'
#include <amble/amble.h>
#include <stdio.h>
int main(void)
{
    char path[4096];
    if (amb_find_asset("humanoid.xml", path, sizeof path) != AMB_OK)
        return fprintf(stderr, "%s\n", amb_error_message()), 1;
    puts(path);
    return 0;
}
END
by_pkg_config() {
    # shellcheck disable=SC2046 # options are words
    PKG_CONFIG_PATH=$library/pkgconfig gcc "$work/host.c" -o "$work/host" $(PKG_CONFIG_PATH=$library/pkgconfig pkg-config --cflags --libs amble) \
        "-Wl,-rpath,$library"
}
check 'a host, through pkg-config' by_pkg_config
check 'it finds the assets from its own folder' prints "^$tree/usr/lib/.*share/amble/humanoid.xml\$" "$work/host"

# ---- Debian's own checks ----

# Not ours to answer here: the maintainer's address, and the number of the intent to package. libamble-render comes with the viewer, in
# its package: what it draws with is what the viewer needs.
allowed='bogus-mail-host|initial-upload-closes-no-bugs|amble-view: package-name-doesnt-match-sonames'
if command -v lintian >/dev/null 2>&1; then
    lintian --fail-on none "${files[@]}" 2>/dev/null | grep -E '^[EW]:' | grep -vE "$allowed" >"$work/lintian"
    check 'lintian finds no errors and no warnings' sh -c "cat '$work/lintian'; [ ! -s '$work/lintian' ]"
else
    amb_say 'lintian is not installed: Debian'"'"'s policy is not checked by it'
fi
finish
