#!/usr/bin/env bash
# An installed amble: moved to another folder, its programs run there, its examples and small hosts are built
# against it through pkg-config and CMake, in C and C++, shared and static; amble as a part of another project; manual pages and completions.
#
#   tests/test_install.sh CMAKE BUILD_FOLDER
#
# Its last lines count like cmocka's. Needs no network. CC and CXX choose the compilers.
set -u

cmake=$1
build=$(realpath "$2") || exit 1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-install-XXXXXX") || exit 1
work=$(realpath "$work")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset AMBLE_CLIPS AMBLE_ASSETS LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH DESTDIR
cc=${CC:-cc}
cxx=${CXX:-c++}
have() { command -v "$1" >/dev/null 2>&1; }
if have ninja; then export CMAKE_GENERATOR=Ninja; fi

passed=0
failed=()
skipped=0
skip() { # skip REASON: one skipped test, or group of tests
    skipped=$((skipped + 1))
    printf 'SKIPPED: %s\n' "$1"
}
check() { # check NAME COMMAND...: passes if the command does, whose output goes to out and err
    local name=$1
    shift
    if "$@" >out 2>err </dev/null; then
        passed=$((passed + 1))
    else
        failed+=("$name")
        printf '[  FAILED  ] %s: failed: %s\n' "$name" "$*"
        tail -n 12 out err | sed 's/^/    /'
    fi
}
not() { ! "$@"; }
says() { # says REGEX COMMAND...: the command does, and prints a line that the regular expression matches
    local regex=$1 text
    shift
    text=$("$@") && printf '%s\n' "$text" && grep -qE -- "$regex" <<<"$text"
}

# ---- installed, and moved ----

check 'cmake --install' "$cmake" --install "$build" --prefix "$work/first"
mkdir -p else/where
mv first else/where/amble
here=$work/else/where/amble
lib=$(dirname "$(find "$here" -name libamble.so)")
version=$(sed -n 's/^project(amble VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")

check 'a version' test -n "$version"
check 'the library by its soname' test "$(readlink "$lib/libamble.so") $(readlink "$lib/libamble.so.${version%%.*}")" = "libamble.so.${version%%.*} libamble.so.$version"
check 'all public headers' diff <(cd "$root/include/amble" && ls ./*.h) <(cd "$here/include/amble" && ls ./*.h | grep -v version.h)
check 'version.h' grep -qx "#define AMB_VERSION_STRING \"$version\"" "$here/include/amble/version.h"
check 'all assets' diff -r -x get-clips.sh -x names.sh -x convert_mimickit.py -x latency_peer.py "$root/assets" "$here/share/amble"
check 'licences' test -s "$here/share/doc/amble/LICENSE"
for file in "$here"/bin/* "$lib"/libamble*.so "$lib"/libmujoco.so*; do
    [ -e "$file" ] || continue # MuJoCo may be the system's
    check "${file#"$here"/} finds its libraries" not grep -q 'not found' <(ldd "$file")
    check "${file#"$here"/} names no folder of the build" not grep -qE "(RPATH|RUNPATH).*$root" <(readelf -d "$file")
done
if compgen -G "$lib/libmujoco.so*" >/dev/null; then
    check 'programs take the MuJoCo that was installed' grep -q "=> $here/.*/libmujoco" <(ldd "$here/bin/amble")
    check 'its licence is there' test -s "$here/share/doc/amble/mujoco/LICENSE"
fi
check 'amble --version' says "^amble $version\$" "$here/bin/amble" --version
check 'amble-bench --version' says "^amble-bench $version\$" "$here/bin/amble-bench" --version
# Where models are found: the path may go through bin/.. or lib/..
found="$here/(.*/)?share/amble/models/walk.onnx"
check 'amble finds its models' says "^$found: 197 inputs" "$here/bin/amble" model info walk
check 'a rollout' says . "$here/bin/amble" rollout --style walk --seconds 1 --envs 1 --threads 1

# ---- hosts, by pkg-config ----

# What every host is: it must find model and library in the moved folder.
cat >host.c <<'END'
#include <amble/amble.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    char path[4096];
    amb_model *model = NULL;
    if (strcmp(amb_version_string(), AMB_VERSION_STRING) != 0 || amb_version_number() != AMB_VERSION_NUMBER)
        return fprintf(stderr, "header %s, library %s\n", AMB_VERSION_STRING, amb_version_string()), 1;
    if (amb_find_asset("models/walk.onnx", path, sizeof path) != AMB_OK || amb_model_load(path, NULL, &model) != AMB_OK)
        return fprintf(stderr, "%s\n", amb_error_message()), 1;
    printf("%s has %d inputs\n", path, amb_model_inputs(model));
    amb_model_destroy(model);
    return 0;
}
END
cp host.c host.cpp
languages=(c)
if have "$cxx"; then
    languages+=(cpp)
else
    skip "there is no C++ compiler ($cxx): hosts are built in C alone"
fi
export PKG_CONFIG_PATH=$lib/pkgconfig
from_pc() { # from_pc SOURCE PROGRAM PACKAGE
    local compiler=("$cc" -std=c11)
    case $1 in *.cpp) compiler=("$cxx" -std=c++11) ;; esac
    # shellcheck disable=SC2046 # options are words
    "${compiler[@]}" -Wall -Wextra -Werror $(pkg-config --cflags "$3") "$1" -o "$2" $(pkg-config --libs "$3") -lm "-Wl,-rpath,$lib"
}
if have pkg-config && have "$cc"; then
    check 'pkg-config --modversion' says "^$version\$" pkg-config --modversion amble amble-static
    for language in "${languages[@]}"; do
        check "a host in $language, pkg-config" from_pc host.$language host_$language amble
        check 'it runs' says "^$found has 1 inputs" ./host_$language
        check "a host in $language, pkg-config, static" from_pc host.$language static_$language amble-static
        check 'it runs' says '/walk.onnx has 1 inputs' env "AMBLE_ASSETS=$here/share/amble" ./static_$language
    done
    check 'a static host needs no libamble.so' not grep -q libamble.so <(ldd ./static_c)
    check 'what pkg-config gives for a static link is enough' sh -c \
        "$cc \$(pkg-config --cflags amble) host.c -o host_private $lib/libamble.a \$(pkg-config --static --libs amble | sed 's/ -lamble / /') -Wl,-rpath,$lib"
    for example in "$here"/share/doc/amble/examples/*.c; do
        if grep -q '<mujoco/' "$example"; then continue; fi # needs MuJoCo's headers, which are not amble's to install
        check "example $(basename "$example"), pkg-config" from_pc "$example" "$(basename "$example" .c)" amble
    done
    check 'an example runs' says "^$found at 500 Hz, 50 steps" ./policy_loop "$here/share/amble/models/walk.onnx" .1
else
    skip "pkg-config or a C compiler ($cc) is missing"
fi
unset PKG_CONFIG_PATH

# ---- hosts, by CMake ----

configure() { # configure SOURCE BUILD [-D...]
    local source=$1 folder=$2
    shift 2
    "$cmake" -S "$source" -B "$folder" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER="$cc" "$@"
}
for link in amble static; do
    check "examples, find_package, $link" configure "$here/share/doc/amble/examples" examples_$link -DCMAKE_PREFIX_PATH="$here" -DAMBLE_LINK=$link
    check 'they build' "$cmake" --build examples_$link
    check 'one runs' says "^$found at 500 Hz, 50 steps" ./examples_$link/policy_loop "$here/share/amble/models/walk.onnx" .1
done
for language in "${languages[@]}"; do
    mkdir find_$language
    cp host.$language find_$language
    name=C
    [ $language = c ] || name=CXX
    cat >find_$language/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.21)
project(host LANGUAGES $name)
find_package(amble ${version%.*} REQUIRED COMPONENTS static)
find_package(amble REQUIRED) # twice does no harm
add_executable(host host.$language)
target_link_libraries(host PRIVATE amble::amble)
add_executable(host_static host.$language)
target_link_libraries(host_static PRIVATE amble::static)
message(STATUS "assets in \${AMBLE_ASSETS}")
END
    check "a $name host, find_package" says "assets in $here/share/amble" configure find_$language found_$language -DCMAKE_PREFIX_PATH="$here" -DCMAKE_CXX_COMPILER="$cxx"
    check 'it builds' "$cmake" --build found_$language
    check 'it runs' says "^$found has 1 inputs" found_$language/host
    check 'it runs, static' says '/walk.onnx has 1 inputs' env "AMBLE_ASSETS=$here/share/amble" found_$language/host_static
done
sed -i "s/amble ${version%.*} REQUIRED/amble 99.0 REQUIRED/" find_c/CMakeLists.txt
refuses() { # refuses REGEX COMMAND...: the command fails, and prints a line that the regular expression matches
    local regex=$1 text
    shift
    ! text=$("$@" 2>&1) && printf '%s\n' "$text" && grep -qE -- "$regex" <<<"$text"
}
check 'another major version is refused, and the one that is there named' refuses "version: $version" configure find_c refused -DCMAKE_PREFIX_PATH="$here"
sed -i "s/amble 99.0 REQUIRED COMPONENTS static/amble REQUIRED COMPONENTS saddle/" find_c/CMakeLists.txt
check 'an unknown component is refused' refuses saddle configure find_c refused2 -DCMAKE_PREFIX_PATH="$here"

# ---- a part of another project ----

mkdir part
cp host.c part
cat >part/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.21)
project(host LANGUAGES C)
get_cmake_property(before VARIABLES)
foreach(name \${before})
    set(before_\${name} "\${\${name}}")
endforeach()
if(FETCH)
    include(FetchContent)
    FetchContent_Declare(amble SOURCE_DIR $root)
    FetchContent_MakeAvailable(amble)
else()
    add_subdirectory($root amble)
endif()
foreach(name \${before})
    if(name MATCHES "^CMAKE_|^BUILD" AND NOT name MATCHES "_CURRENT_|_COMMAND\$|^CMAKE_(ARG|MATCH|.*_DEPRECATED)" AND NOT "\${\${name}}" STREQUAL "\${before_\${name}}")
        message(SEND_ERROR "amble changed \${name} from '\${before_\${name}}' to '\${\${name}}'")
    endif()
endforeach()
get_cmake_property(after CACHE_VARIABLES)
foreach(name \${after})
    get_property(type CACHE \${name} PROPERTY TYPE)
    get_property(advanced CACHE \${name} PROPERTY ADVANCED)
    if(NOT name IN_LIST before AND NOT type MATCHES "INTERNAL|STATIC" AND NOT advanced AND NOT name MATCHES "^(AMB_|AMBLE_|FETCHCONTENT_|mujoco_DIR)")
        message(SEND_ERROR "amble shows the option \${name}")
    endif()
endforeach()
get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
foreach(target programs manuals test_lib_model amble)
    if(TARGET \${target})
        message(SEND_ERROR "amble makes the target \${target}")
    endif()
endforeach()
if(FETCH)
    return()
endif()
add_executable(host host.c)
target_link_libraries(host PRIVATE amble::amble)
add_executable(host_static host.c)
target_link_libraries(host_static PRIVATE amble::static)
install(TARGETS host)
END
deps=-DAMBLE_DEPS_DIR=$(sed -n 's/^AMBLE_DEPS_DIR:PATH=//p' "$build/CMakeCache.txt")
check 'FetchContent' "$cmake" -S part -B part_fetch -DFETCH=ON "$deps" -DCMAKE_C_COMPILER="$cc"
check 'add_subdirectory' configure part part_built "$deps"
check 'it builds' "$cmake" --build part_built --parallel 2
check 'it runs' says '/walk.onnx has 1 inputs' part_built/host
check 'it runs, static' says '/walk.onnx has 1 inputs' part_built/host_static
check 'nothing of amble is installed with it' "$cmake" --install part_built --prefix "$work/part_installed"
check 'but the host' test "$(find part_installed -type f)" = part_installed/bin/host
check 'no list of compile commands is left' test ! -e part_built/compile_commands.json

# ---- manual pages and completions ----

if [ ! -e "$here/share/man" ]; then
    skip 'this build makes no manual pages (AMB_MANUALS)'
else
    # commands: each program and subcommand; "amble fit phase" is found in "Usage: amble fit phase [OPTION...]".
    commands=()
    for program in "$here"/bin/*; do
        program=${program##*/}
        commands+=("$program")
        while read -r word; do
            commands+=("$program $word")
            while read -r second; do
                commands+=("$program $word $second")
            done < <("$here/bin/$program" "$word" --help | sed -nE "s/^(Usage:|      ) $program $word ([a-z]+) .*/\2/p")
        done < <("$here/bin/$program" --help | sed -nE '/SUBCOMMAND|BENCHMARK/,$s/^  ([a-z]+) +[a-z].*/\1/p')
    done
    check 'all subcommands are known' test "${#commands[@]}" -ge 24
    # options COMMAND...: the long options that --help lists
    options() { "$here/bin/$1" "${@:2}" --help | grep -E '^ {2,6}-' | sed 's/  [^ -].*//' | grep -oE -- '--[a-z0-9][a-z0-9-]*' | sort -u; }
    # in_bash WORD...: what bash offers for the last word
    in_bash() (
        # shellcheck disable=SC1090,SC1091 # made by the build
        . "$here/share/bash-completion/completions/$1"
        PATH=$here/bin:$PATH
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "_${1//-/_}"
        printf '%s\n' "${COMPREPLY[@]}"
    )
    # in_fish LINE
    in_fish() {
        local load
        load=$(printf 'source %s; ' "$here"/share/fish/vendor_completions.d/*.fish)
        PATH=$here/bin:$PATH fish --no-config -c "$load complete -C '$1'" | cut -f 1
    }
    lacks() { # lacks EXPECTED FOUND: the lines of the first that the second lacks, as one line
        printf '%s\n' "$1" | grep . | grep -vxFf <(printf '%s\n' "$2") | tr '\n' ' '
    }
    nothing() { [ -z "$1" ]; }
    for command in "${commands[@]}"; do
        read -r -a words <<<"$command"
        page=$here/share/man/man1/${command// /-}.1
        list=$(options "${words[@]}")
        list=${list:---help} # those that only have subcommands
        check "a manual page of $command" test -s "$page"
        check 'it names all options' nothing "$(lacks "$(options "${words[@]}")" "$(sed 's/\\fB//g; s/\\-/-/g' "$page" | grep -oE -- '--[a-z0-9][a-z0-9-]*')")"
        check "bash completes the options of $command" nothing "$(lacks "$list" "$(in_bash "${words[@]}" --)")"
        if have fish; then
            check "fish completes the options of $command" nothing "$(lacks "$list" "$(in_fish "$command --")")"
        fi
        zsh_part=$(sed -n "/^    (${command// /-})\$/,/^        ;;\$/p" "$here/share/zsh/site-functions/_${words[0]}")
        check "zsh completes the options of $command" nothing "$(lacks "$list" "$(grep -oE -- '--[a-z0-9][a-z0-9-]*' <<<"$zsh_part")")"
    done
    check 'options are looked for' test "$(options amble train | wc -l)" -gt 60
    if have mandoc; then
        check 'mandoc warns of nothing' test -z "$(mandoc -Tlint -Wwarning "$here"/share/man/man1/*.1 | grep -v 'missing date')"
    else
        skip 'mandoc is not installed: manual pages are not checked by it'
    fi
    styles=$(sed -n 's/^{"name": "\([a-z0-9_]*\)".*/\1/p' "$here/share/amble/models/styles.json")
    models=$(cd "$here/share/amble/models" && ls ./*.onnx | sed 's/^..//; s/\.onnx$//')
    check 'styles are looked for' test "$(wc -l <<<"$styles")" -ge 5
    check 'bash completes styles' nothing "$(lacks "$styles" "$(in_bash amble rollout --style '')")"
    check 'after = too' nothing "$(lacks "$styles" "$(in_bash amble rollout --style = '')")"
    check 'bash completes models' nothing "$(lacks "$models" "$(in_bash amble eval --policy '')")"
    check 'bash completes motions' nothing "$(lacks style_jog "$(in_bash amble clip info style_)")"
    mkdir clips
    : >clips/humanoid3d_waltz.txt
    check 'motions of the clips folder' nothing "$(lacks waltz "$(AMBLE_CLIPS=$work/clips in_bash amble train --motion w)")"
    check 'bash completes subcommands' test "$(in_bash amble mod)" = model -a "$(in_bash amble model ch)" = check
    check 'and values' test "$(in_bash amble rollout --precision int1)" = int16
    check 'and nothing where a number stands' test -z "$(in_bash amble rollout --seconds '')"
    if have fish; then
        check 'fish completes styles' nothing "$(lacks "$styles" "$(in_fish 'amble rollout --style ')")"
        check 'fish completes subcommands' test "$(in_fish 'amble mod')" = model
    else
        skip 'fish is not installed: its completion is not tried'
    fi
    if have zsh; then
        for file in "$here"/share/zsh/site-functions/_*; do
            check "zsh reads ${file##*/}" zsh -n "$file"
        done
    else
        skip 'zsh is not installed: its completion is not read by it'
    fi
fi

echo "[==========] $((passed + ${#failed[@]})) test(s) run."
echo "[  PASSED  ] $passed test(s)."
[ "$skipped" -gt 0 ] && echo "[  SKIPPED ] $skipped test(s)."
if [ ${#failed[@]} -gt 0 ]; then
    echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
    printf '[  FAILED  ] %s\n' "${failed[@]}"
    exit 1
fi
exit 0
