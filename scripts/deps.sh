# shellcheck shell=bash
# Sourced by run.sh and test.sh: what must be installed, and where the clips are. Expects $root, the repository's folder.
#
# It looks for the things themselves (a program in PATH, a header the compiler finds) and not for package names, so a second run needs no
# package manager and other distributions work once the same things are there. Only installing is Debian's and Ubuntu's.
: "${root:?}"

amb_say() { printf 'amble: %s\n' "$*" >&2; }

# Puts a package into $amb_missing unless the command that follows succeeds.
amb_need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || amb_missing+=("$package")
}

# amb_has_header HEADER [compiler options]
amb_has_header() {
    local header=$1
    shift
    printf '#include <%s>\n' "$header" | "${CC:-gcc}" -E "$@" -x c - -o /dev/null
}

amb_has_clang_openmp() { printf '#include <omp.h>\n' | clang -fopenmp -E -x c - -o /dev/null; }

# cmake of at least 3.21 (presets of version 3)
amb_has_cmake() {
    local version
    version=$(cmake --version | sed -n 's/^cmake version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p') || return 1
    [ -n "$version" ] || return 1
    local major=${version% *} minor=${version#* }
    [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 21 ]; }
}

amb_has_maker() { command -v ninja || command -v make; }

amb_has_tsan() {
    local folder status=0
    folder=$(mktemp -d)
    echo 'int main(void) { return 0; }' | clang -fsanitize=thread -fopenmp -x c - -o "$folder/a" || status=1
    rm -rf "$folder"
    return $status
}

# What localedef makes the locale de_DE.UTF-8 of; Debian packs both in "locales".
amb_has_german() { command -v localedef && [ -e /usr/share/i18n/locales/de_DE ] && compgen -G '/usr/share/i18n/charmaps/UTF-8*'; }

# Mesa's drivers, or some other ones.
amb_has_gl_drivers() { compgen -G '/usr/lib/*/dri/*_dri.so' || compgen -G '/usr/lib*/dri/*_dri.so' || compgen -G '/usr/share/glvnd/egl_vendor.d/*.json'; }

# Fills amb_missing with the packages that the groups lack.
amb_check() {
    amb_missing=()
    local group
    for group in "$@"; do
        case $group in
        build)
            amb_need gcc command -v "${CC:-gcc}"
            amb_need libc6-dev amb_has_header stdio.h
            amb_need cmake amb_has_cmake
            amb_need ninja-build amb_has_maker
            amb_need protobuf-c-compiler command -v protoc-c
            amb_need libprotobuf-c-dev amb_has_header protobuf-c/protobuf-c.h
            amb_need libdnnl-dev amb_has_header dnnl.h
            amb_need libjansson-dev amb_has_header jansson.h
            compgen -G "$root/.deps/mujoco-*/lib/libmujoco.so*" >/dev/null || amb_need python3-pip python3 -m pip --version
            ;;
        viewer) # what amble-view is built with; ffmpeg is for films
            amb_need libglfw3-dev amb_has_header GLFW/glfw3.h -DGLFW_INCLUDE_NONE
            amb_need libpng-dev amb_has_header png.h
            amb_need libgl-dev amb_has_header GL/gl.h
            amb_need libegl-dev amb_has_header EGL/eglext.h
            amb_need libosmesa6-dev amb_has_header GL/osmesa.h
            amb_need libgl1-mesa-dri amb_has_gl_drivers
            amb_need ffmpeg command -v ffmpeg
            ;;
        viewer_tests)
            amb_need xvfb command -v Xvfb
            amb_need xdotool command -v xdotool
            ;;
        clips) amb_need python3-pip python3 -m pip --version ;;
        tests) # they run in a German locale, which they make themselves
            amb_need libcmocka-dev amb_has_header cmocka.h -include stdarg.h -include stddef.h -include stdint.h -include setjmp.h
            amb_need locales amb_has_german
            ;;
        checks)
            amb_need clang command -v clang
            amb_need libomp-dev amb_has_clang_openmp
            amb_need clang-format command -v clang-format
            ;;
        tsan) amb_need "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev" amb_has_tsan ;;
        esac
    done
}

# amb_install GROUP...: sees to the packages of the groups build, viewer, viewer_tests, clips, tests, checks, and tsan (once checks is there). Exit status 2, with
# the one command to run, where this user may not install packages.
amb_install() {
    amb_check "$@"
    [ ${#amb_missing[@]} -eq 0 ] && return 0
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    if ! command -v apt-get >/dev/null 2>&1; then
        amb_say "missing, by the names of Debian's packages: ${amb_missing[*]}. Install them with this system's package manager."
        exit 2
    fi
    if [ ${#as_root[@]} -gt 0 ] && ! sudo -n true >/dev/null 2>&1; then
        amb_say "packages are missing; install them, then run this again:"
        echo "sudo apt-get update && sudo apt-get install -y --no-install-recommends ${amb_missing[*]}"
        exit 2
    fi
    amb_say "installing ${amb_missing[*]}"
    local log
    log=$(mktemp)
    # An update that fails (a foreign source that is away) matters only if the packages cannot be had.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 </dev/null || true
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${amb_missing[@]}" >>"$log" 2>&1 </dev/null; then
        tail -n 15 "$log" >&2
        amb_say "installing failed; the whole log is $log"
        exit 2
    fi
    rm -f "$log"
    hash -r
    amb_check "$@"
    if [ ${#amb_missing[@]} -gt 0 ]; then
        amb_say "still missing, or too old (CMake must be 3.21 or newer), after installing: ${amb_missing[*]}"
        exit 2
    fi
}

# amb_configure PRESET [-D...]: configures quietly; a cache that belongs to another folder (the tree was moved) is started anew.
amb_configure() {
    local preset=$1 folder
    shift
    folder=$(amb_folder "$preset")
    mkdir -p "$folder"
    if [ -f "$folder/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
        rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
    fi
    if [ -z "${CMAKE_GENERATOR:-}" ] && command -v ninja >/dev/null 2>&1; then
        export CMAKE_GENERATOR=Ninja
    fi
    (cd "$root" && cmake --preset "$preset" "$@") >"$folder/configure.log" 2>&1 </dev/null && return 0
    sed -n '/CMake Error/,$p' "$folder/configure.log" | grep -v '^--' | head -n 20 >&2
    amb_say "configuring failed; the whole log is $folder/configure.log"
    return 1
}

# amb_build PRESET [cmake --build options]: builds quietly.
amb_build() {
    local preset=$1 folder
    shift
    folder=$(amb_folder "$preset")
    cmake --build "$folder" --parallel "$(nproc)" "$@" >"$folder/build.log" 2>&1 </dev/null && return 0
    grep -E -A 6 'error:|^FAILED|undefined reference' "$folder/build.log" | head -n 40 >&2 || tail -n 20 "$folder/build.log" >&2
    amb_say "building failed; the whole log is $folder/build.log"
    return 1
}

amb_folder() {
    if [ "$1" = release ]; then echo "$root/build"; else echo "$root/build-$1"; fi
}

amb_holds_clips() { compgen -G "$1/humanoid3d_*.txt" >/dev/null; }

# Sets and exports AMBLE_CLIPS: what the caller's environment says if clips are there, else ../shared/clips, else clips/, fetched if need be.
amb_find_clips() {
    if [ -n "${AMBLE_CLIPS:-}" ]; then
        if ! amb_holds_clips "$AMBLE_CLIPS"; then
            amb_say "AMBLE_CLIPS names $AMBLE_CLIPS, which holds no humanoid3d_*.txt; unset it to have the clips fetched."
            return 1
        fi
    elif amb_holds_clips "$root/../shared/clips"; then
        AMBLE_CLIPS=$(cd "$root/../shared/clips" && pwd)
    else
        if ! amb_holds_clips "$root/clips"; then
            amb_install clips
            "$root/scripts/get-clips.sh" "$root/clips" || return 1
        fi
        AMBLE_CLIPS=$root/clips
    fi
    export AMBLE_CLIPS
}
