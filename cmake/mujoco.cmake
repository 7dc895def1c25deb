# MuJoCo, as the imported target mujoco::mujoco.
#
# A target of this name that the project has which amble is part of, or a system package of at least 3.13, is taken as it is. Else libmujoco and its headers come out of the PyPI wheel, pinned by version and
# SHA-256, and are kept in AMBLE_DEPS_DIR (.deps/ in the source tree), which all build folders share and which no rebuild touches: from the
# second configuration on nothing is downloaded. -DAMBLE_MUJOCO_WHEEL=FILE, or the wheel already lying in AMBLE_DEPS_DIR/downloads, replaces
# the download. It refuses a wheel with another hash, and never builds MuJoCo from source.
set(AMBLE_MUJOCO_VERSION 3.17.0)
set(AMBLE_DEPS_DIR ${PROJECT_SOURCE_DIR}/.deps CACHE PATH "Where downloaded dependencies are kept, across build folders")
set(AMBLE_MUJOCO_WHEEL "" CACHE FILEPATH "A MuJoCo ${AMBLE_MUJOCO_VERSION} wheel to use instead of downloading it")

# The wheels for CPython 3.11; only the library and the headers are used, so the Python on this machine does not matter.
set(amb_mujoco_hash_x86_64 d66928d86a2d1b601bbaa4dc11db50214d17d5301bb8afd84721313b67ff0874)
set(amb_mujoco_hash_aarch64 91a70ed9979c383ff1f5c03f25cc2e1280a8254c1a8e558d5dd7f4184f01efc9)

# Sets OUT to a wheel file whose hash is HASH: the given one, the cached one, or one fetched with pip.
function(amb_mujoco_find_wheel out arch hash)
    set(name mujoco-${AMBLE_MUJOCO_VERSION}-cp311-cp311-manylinux_2_27_${arch}.manylinux_2_28_${arch}.whl)
    set(cached ${AMBLE_DEPS_DIR}/downloads/${name})
    if(AMBLE_MUJOCO_WHEEL)
        if(NOT EXISTS ${AMBLE_MUJOCO_WHEEL})
            message(FATAL_ERROR "AMBLE_MUJOCO_WHEEL names ${AMBLE_MUJOCO_WHEEL}, which does not exist.")
        endif()
        file(SHA256 ${AMBLE_MUJOCO_WHEEL} found)
        if(NOT found STREQUAL hash)
            message(FATAL_ERROR "${AMBLE_MUJOCO_WHEEL} has SHA-256 ${found}; expected is ${name} with ${hash}.")
        endif()
        set(${out} ${AMBLE_MUJOCO_WHEEL} PARENT_SCOPE)
        return()
    endif()
    if(EXISTS ${cached})
        file(SHA256 ${cached} found)
        if(found STREQUAL hash)
            set(${out} ${cached} PARENT_SCOPE)
            return()
        endif()
        message(STATUS "${cached} is damaged (SHA-256 ${found}), fetching it again")
        file(REMOVE ${cached})
    endif()

    find_program(AMBLE_PYTHON NAMES python3 python)
    mark_as_advanced(AMBLE_PYTHON)
    set(instead "Or fetch ${name} from PyPI on another machine and configure with -DAMBLE_MUJOCO_WHEEL=FILE.")
    if(AMBLE_PYTHON)
        execute_process(COMMAND ${AMBLE_PYTHON} -m pip --version RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    endif()
    if(NOT AMBLE_PYTHON OR failed)
        message(FATAL_ERROR "MuJoCo ${AMBLE_MUJOCO_VERSION} is fetched with pip, which is missing: install the package python3-pip. ${instead}")
    endif()
    message(STATUS "fetching MuJoCo ${AMBLE_MUJOCO_VERSION} (26 MB) into ${AMBLE_DEPS_DIR}")
    file(MAKE_DIRECTORY ${AMBLE_DEPS_DIR}/downloads)
    file(WRITE ${AMBLE_DEPS_DIR}/downloads/mujoco.txt "mujoco==${AMBLE_MUJOCO_VERSION} --hash=sha256:${hash}\n")
    execute_process(
        COMMAND ${AMBLE_PYTHON} -m pip download --quiet --disable-pip-version-check --no-input --no-deps --require-hashes --only-binary=:all:
                --implementation cp --python-version 3.11 --abi cp311 --platform manylinux_2_28_${arch}
                --dest ${AMBLE_DEPS_DIR}/downloads --requirement ${AMBLE_DEPS_DIR}/downloads/mujoco.txt
        RESULT_VARIABLE failed ERROR_VARIABLE reason)
    if(failed OR NOT EXISTS ${cached})
        string(REGEX MATCH "ERROR: [^\n]*" reason "${reason}")
        message(FATAL_ERROR "pip could not fetch ${name} (is there a network?): ${reason}\n${instead}")
    endif()
    set(${out} ${cached} PARENT_SCOPE)
endfunction()

# Unpacks the wheel's library, headers and licence into FOLDER/{lib,include,doc}; FOLDER appears at once or not at all.
function(amb_mujoco_unpack wheel folder)
    string(RANDOM LENGTH 8 token)
    set(staging ${folder}.${token})
    file(ARCHIVE_EXTRACT INPUT ${wheel} DESTINATION ${staging}/wheel
         PATTERNS "mujoco/libmujoco.so*" "mujoco/include/*" "mujoco-*.dist-info/licenses/*")
    file(GLOB library ${staging}/wheel/mujoco/libmujoco.so.*)
    file(GLOB licences ${staging}/wheel/mujoco-*.dist-info/licenses/*)
    file(MAKE_DIRECTORY ${staging}/ready)
    file(COPY ${library} DESTINATION ${staging}/ready/lib)
    file(COPY ${licences} DESTINATION ${staging}/ready/doc)
    file(RENAME ${staging}/wheel/mujoco/include ${staging}/ready/include)
    if(NOT EXISTS ${folder})
        file(RENAME ${staging}/ready ${folder})
    endif()
    file(REMOVE_RECURSE ${staging})
endfunction()

set(amb_mujoco_needs_avx OFF) # the wheel's library for x86-64 does, and dies before main() where there is none: base/cpu_check.c
set(amb_mujoco_bundled "")
if(NOT TARGET mujoco::mujoco)
    find_package(mujoco 3.13 QUIET CONFIG)
endif()
if(TARGET mujoco::mujoco AND NOT mujoco_FOUND)
    message(STATUS "MuJoCo of the project that amble is part of")
elseif(mujoco_FOUND)
    message(STATUS "MuJoCo ${mujoco_VERSION} from the system: ${mujoco_DIR}")
    set_target_properties(mujoco::mujoco PROPERTIES IMPORTED_GLOBAL TRUE) # amble::static links it from anywhere
else()
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
        set(arch x86_64)
        set(amb_mujoco_needs_avx ON)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
        set(arch aarch64)
    endif()
    if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT arch)
        message(FATAL_ERROR "There is no pinned MuJoCo for ${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR}: install MuJoCo 3.13 or newer so that find_package(mujoco) finds it.")
    endif()
    set(folder ${AMBLE_DEPS_DIR}/mujoco-${AMBLE_MUJOCO_VERSION}-${arch})
    set(library ${folder}/lib/libmujoco.so.${AMBLE_MUJOCO_VERSION})
    if(NOT EXISTS ${library})
        amb_mujoco_find_wheel(wheel ${arch} ${amb_mujoco_hash_${arch}})
        amb_mujoco_unpack(${wheel} ${folder})
        if(NOT EXISTS ${library})
            message(FATAL_ERROR "${wheel} does not hold mujoco/libmujoco.so.${AMBLE_MUJOCO_VERSION}.")
        endif()
        # The unpacked copy is what later configurations use; a wheel of ours is not needed any more.
        file(REMOVE_RECURSE ${AMBLE_DEPS_DIR}/downloads)
    endif()
    message(STATUS "MuJoCo ${AMBLE_MUJOCO_VERSION}: ${folder}")
    # Global, so that a project that amble is part of may link it, and amble::static, too.
    add_library(mujoco::mujoco SHARED IMPORTED GLOBAL)
    set_target_properties(mujoco::mujoco PROPERTIES IMPORTED_LOCATION ${library} INTERFACE_INCLUDE_DIRECTORIES ${folder}/include)
    set(amb_mujoco_bundled ${library}) # goes into amble's installation, with what lies in:
    set(amb_mujoco_licences ${folder}/doc)
endif()
