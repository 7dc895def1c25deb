# shellcheck shell=bash
# Sourced by run.sh, test.sh and scripts/check-*.sh: what must be installed, how it is built, and where the clips are. Expects $root, the
# repository's folder.
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

amb_has_openmp() { printf '#include <omp.h>\n' | "$1" -fopenmp -E -x c - -o /dev/null; }

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

amb_has_osmesa() { compgen -G '/usr/lib/*/libOSMesa.so.[68]' || compgen -G '/usr/lib*/libOSMesa.so.[68]'; }

# The Python package needs 3.11; an older Python gets no headers for nothing.
amb_has_python_headers() {
    local folder
    folder=$(python3 -c 'import sys, sysconfig; print(sysconfig.get_paths()["include"] if sys.version_info >= (3, 11) else "old")' 2>/dev/null) || return 1
    [ "$folder" = old ] || [ -e "$folder/Python.h" ]
}

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
            amb_need libzip-dev amb_has_header zip.h
            amb_need libassimp-dev amb_has_header assimp/cimport.h
            compgen -G "$root/.deps/mujoco-*/lib/libmujoco.so*" >/dev/null || amb_need python3-pip python3 -m pip --version
            ;;
        viewer) # what amble-view is built with, and what draws
            amb_need libglfw3-dev amb_has_header GLFW/glfw3.h -DGLFW_INCLUDE_NONE
            amb_need libpng-dev amb_has_header png.h
            amb_need libgl-dev amb_has_header GL/gl.h
            amb_need libegl-dev amb_has_header EGL/eglext.h
            amb_need libgl1-mesa-dri amb_has_gl_drivers
            ;;
        python) # what the Python package is built with, and its tests' environment made
            amb_need python3-dev amb_has_python_headers
            amb_need python3-pip python3 -m pip --version
            amb_need python3-venv python3 -c 'import venv'
            ;;
        server) amb_need libwebsockets-dev amb_has_header libwebsockets.h ;; # what amble-serve is built with
        server_tests) amb_need curl command -v curl ;;
        mpi) # training over processes, which nothing needs
            amb_need libopenmpi-dev command -v mpicc.openmpi
            amb_need openmpi-bin command -v mpirun.openmpi
            amb_need libmpich-dev command -v mpicc.mpich
            amb_need mpich command -v mpirun.mpich
            ;;
        osmesa) amb_need libosmesa6 amb_has_osmesa ;; # another way to draw; newer distributions have none, and nothing needs it
        viewer_tests)
            amb_need ffmpeg command -v ffmpeg
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
            amb_need libomp-dev amb_has_openmp clang
            amb_need clang-format command -v clang-format
            amb_need clang-tidy command -v clang-tidy
            amb_need abigail-tools command -v abidiff
            amb_need qemu-user command -v qemu-x86_64
            ;;
        tsan) amb_need "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev" amb_has_tsan ;;
        esac
    done
}

# amb_apt PACKAGE...: installs packages. False, and a sentence, where this user or this system cannot.
amb_apt() {
    local as_root=() log
    if ! command -v apt-get >/dev/null 2>&1; then
        amb_say "missing, by the names of Debian's packages: $*. Install them with this system's package manager."
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo -n)
        if ! sudo -n true >/dev/null 2>&1; then
            amb_say "packages are missing; install them, then run this again:"
            echo "sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
            return 1
        fi
    fi
    amb_say "installing $*"
    log=$(mktemp)
    # An update that fails (a foreign source that is away) matters only if the packages cannot be had.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 </dev/null || true
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
        tail -n 15 "$log" >&2
        amb_say "installing failed; the whole log is $log"
        return 1
    fi
    rm -f "$log"
    hash -r
}

# amb_install GROUP... [-- GROUP...]: sees to the packages of the groups build, viewer, viewer_tests, clips, tests, checks, and tsan (once
# checks is there). Exit status 2, with the one command to run, where this user may not install packages; that command also names what the
# groups after -- lack, which are not installed here.
amb_install() {
    local groups=() wished=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        groups+=("$1")
        shift
    done
    [ $# -eq 0 ] || shift
    amb_check "${groups[@]}"
    [ ${#amb_missing[@]} -eq 0 ] && return 0
    if [ $# -gt 0 ] && [ "$(id -u)" -ne 0 ] && ! sudo -n true >/dev/null 2>&1; then
        wished=("${amb_missing[@]}")
        amb_check "$@"
        amb_missing=("${wished[@]}" "${amb_missing[@]}")
    fi
    amb_apt "${amb_missing[@]}" || exit 2
    amb_check "${groups[@]}"
    if [ ${#amb_missing[@]} -gt 0 ]; then
        amb_say "still missing, or too old (CMake must be 3.21 or newer), after installing: ${amb_missing[*]}"
        exit 2
    fi
}

# amb_install_if_possible WHAT FILE GROUP...: the same for what amble can do without. False where it cannot be installed; FILE then keeps the
# list, so that this is tried, and said, once.
amb_install_if_possible() {
    local what=$1 memory=$2 list
    shift 2
    amb_check "$@"
    [ ${#amb_missing[@]} -eq 0 ] && return 0
    list=${amb_missing[*]}
    [ -f "$memory" ] && [ "$(cat "$memory")" = "$list" ] && return 1
    amb_apt "${amb_missing[@]}" >&2
    amb_check "$@"
    [ ${#amb_missing[@]} -eq 0 ] && return 0
    amb_say "$what: not without ${amb_missing[*]}; everything else works"
    mkdir -p "$(dirname "$memory")"
    echo "$list" >"$memory"
    return 1
}

# amb_newest TOOL: the newest gcc or clang that this system has or offers (gcc-14), or nothing if that is no newer than TOOL itself.
amb_newest() {
    local tool=$1 best now
    if [ "$(id -u)" -eq 0 ] && ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
        apt-get update -qq >/dev/null 2>&1 </dev/null || true # a system that nothing was installed on yet knows no packages
    fi
    best=$({
        compgen -c "$tool-" || true
        apt-cache search --names-only "^$tool-[0-9]+\$" 2>/dev/null | cut -d ' ' -f 1
    } | sed -n "s/^$tool-\([0-9][0-9]*\)\$/\1/p" | sort -n | tail -n 1)
    now=$("$tool" -dumpversion 2>/dev/null | cut -d . -f 1)
    [ -z "$best" ] || [ "$best" -le "${now:-0}" ] || echo "$tool-$best"
}

# amb_configure PRESET [-D...]: configures quietly; a cache that belongs to another folder (the tree was moved) or another compiler is started
# anew.
amb_configure() {
    local preset=$1 folder option
    shift
    folder=$(amb_folder "$preset")
    mkdir -p "$folder"
    if [ -f "$folder/CMakeCache.txt" ]; then
        grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt" || rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
        for option in "$@"; do
            case $option in
            -DCMAKE_C_COMPILER=*)
                grep -q "^CMAKE_C_COMPILER:[A-Z]*=\(.*/\)\?${option#*=}\$" "$folder/CMakeCache.txt" 2>/dev/null ||
                    rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
                ;;
            esac
        done
    fi
    if [ -z "${CMAKE_GENERATOR:-}" ] && command -v ninja >/dev/null 2>&1; then
        export CMAKE_GENERATOR=Ninja
    fi
    (cd "$root" && cmake --preset "$preset" "$@") >"$folder/configure.log" 2>&1 </dev/null && return 0
    sed -n '/CMake Error/,$p' "$folder/configure.log" | grep -v '^--' | head -n 20 >&2
    amb_say "configuring failed; the whole log is $folder/configure.log"
    return 1
}

# amb_build PRESET [cmake --build options]: builds; every half minute it says how far it is.
amb_build() {
    local preset=$1 folder
    shift
    folder=$(amb_folder "$preset")
    cmake --build "$folder" --parallel "$(nproc)" "$@" 2>&1 </dev/null | amb_follow_build "$folder/build.log"
    [ "${PIPESTATUS[0]}" -eq 0 ] && return 0
    grep -E -A 6 'error:|^FAILED|undefined reference' "$folder/build.log" | head -n 40 >&2 || tail -n 20 "$folder/build.log" >&2
    amb_say "building failed; the whole log is $folder/build.log"
    return 1
}

# amb_read_line: the next line of standard input in $amb_line. Status 1 at the end; 2 if none came for a while, to be called again.
amb_part=
amb_read_line() {
    local piece='' status
    IFS= read -r -t "$amb_every" piece
    status=$?
    amb_part+=$piece
    [ $status -le 128 ] || return 2
    [ $status -eq 0 ] || [ -n "$amb_part" ] || return 1 # a last line may lack its end
    amb_line=$amb_part
    amb_part=
}
amb_every=${AMB_PROGRESS_S:-30} # seconds

# Copies a build's output into FILE and says how far it is.
amb_follow_build() {
    local at='' next=$((SECONDS + amb_every)) status
    : >"$1"
    while :; do
        amb_read_line
        status=$?
        [ $status -ne 1 ] || break
        if [ $status -eq 0 ]; then
            printf '%s\n' "$amb_line" >>"$1"
            case $amb_line in '['*']'*) at=${amb_line%%]*}] ;; esac
        fi
        if [ $SECONDS -ge $next ]; then
            amb_say "building: $at"
            next=$((SECONDS + amb_every))
        fi
    done
}

amb_folder() {
    if [ "$1" = release ]; then echo "$root/build"; else echo "$root/build-$1"; fi
}

amb_holds_clips() { compgen -G "$1/humanoid3d_*.txt" >/dev/null; }

# Sets and exports AMBLE_CLIPS if clips are there: where the caller's environment says, else in ../shared/clips, else in clips/.
amb_have_clips() {
    if [ -z "${AMBLE_CLIPS:-}" ]; then
        if amb_holds_clips "$root/../shared/clips"; then
            AMBLE_CLIPS=$(cd "$root/../shared/clips" && pwd)
        elif amb_holds_clips "$root/clips"; then
            AMBLE_CLIPS=$root/clips
        else
            return 1
        fi
        export AMBLE_CLIPS
    fi
    amb_holds_clips "$AMBLE_CLIPS"
}

# The same; clips that are not there are fetched into clips/.
amb_find_clips() {
    amb_have_clips && return 0
    if [ -n "${AMBLE_CLIPS:-}" ]; then
        amb_say "AMBLE_CLIPS names $AMBLE_CLIPS, which holds no humanoid3d_*.txt; unset it to have the clips fetched."
        return 1
    fi
    amb_install clips
    "$root/scripts/get-clips.sh" "$root/clips" && amb_have_clips
}

# amb_needs_clips ARGUMENTS...: whether amble reads motion clips when it is called so. Of a policy's file it believes that it was trained on
# a clip, unless a motion or a style is named too.
amb_needs_clips() {
    local command=${1:-} word option value follows=''
    for word in "$@"; do
        case $word in --help | '-?' | --usage | --version | -V | --clips | --clips=*) return 1 ;; esac
    done
    case $command in
    fit) return 0 ;;
    rollout | eval | train | clip | style) shift ;;
    *) return 1 ;;
    esac
    [ "$command" != clip ] || [ $# -eq 0 ] || shift
    while [ $# -gt 0 ]; do
        option=$1 value=
        shift
        case $option in
        --*=*) value=${option#*=} option=${option%%=*} ;;
        -[mp]?*) value=${option#-?} option=${option%"$value"} ;;
        -m | -p | --motion | --policy | --style-from | --resume)
            value=${1:-}
            [ $# -eq 0 ] || shift
            ;;
        esac
        case $option in
        -m | --motion | --style-from)
            [ -e "$value" ] || return 0
            follows='file'
            ;;
        -p | --policy | --resume)
            case $value in *locomotion.onnx) ;; *) follows=${follows:-policy} ;; esac
            ;;
        --style | --style-schedule) follows=style ;;
        -* | *.* | */*) ;;
        *) [ "$command" != clip ] || [ -e "$option" ] || return 0 ;;
        esac
    done
    [ "$follows" = policy ]
}
