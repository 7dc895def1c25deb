# What every module shares: the compiler's flags (target amb_flags) and four functions: amb_library, amb_public_library,
# amb_program, amb_proto. All variables set here are those of amble's own folders: a project that amble is part of keeps its own.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()
# libamble is made of the modules: their code is position independent, and only what AMB_API marks leaves it.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_C_FLAGS_RELEASE "-O3 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES) # a project that amble is part of chose none
    set(CMAKE_C_FLAGS "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_RELEASE}")
endif()

find_program(AMB_CCACHE ccache)
mark_as_advanced(AMB_CCACHE)
if(AMB_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${AMB_CCACHE})
endif()

# Installed programs look for libmujoco in ../lib, wherever the prefix is moved to.
file(RELATIVE_PATH amb_lib_from_bin /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
set(CMAKE_INSTALL_RPATH "$ORIGIN/${amb_lib_from_bin}")

add_library(amb_flags INTERFACE)
target_include_directories(amb_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(amb_flags INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
# An error's sentence is cut at its buffer's end by contract (base/error.h); clang has no such warning.
target_compile_options(amb_flags INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
if(AMB_WERROR)
    target_compile_options(amb_flags INTERFACE -Werror)
endif()
# gcc 12 dies on AArch64 when it vectorises a loop's fmin or fmax (vect_transform_reduction); as calls they do no harm, for no hot loop has one.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 13 AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    target_compile_options(amb_flags INTERFACE -fno-builtin-fmin -fno-builtin-fminf -fno-builtin-fmax -fno-builtin-fmaxf)
endif()
# Programs of a build folder find assets and clips beside the sources, by a path that is part of them. Binaries for other machines need it
# not, and should not name the folders of the machine that built them.
option(AMB_SOURCE_PATHS "Look for assets and clips beside the sources, too; OFF: no binary contains the path of the sources" ON)
if(NOT AMB_SOURCE_PATHS)
    target_compile_options(amb_flags INTERFACE "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build" "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=amble")
endif()
if(AMB_SANITIZE)
    target_compile_options(amb_flags INTERFACE -fsanitize=${AMB_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(amb_flags INTERFACE -fsanitize=${AMB_SANITIZE})
    if(AMB_SANITIZE MATCHES "undefined")
        # A number too large for the integer it becomes: undefined in C, but no compiler counts it among "undefined".
        target_compile_options(amb_flags INTERFACE -fsanitize=float-cast-overflow -fno-sanitize-recover=undefined,float-cast-overflow)
    endif()
endif()
if(AMB_OPENMP)
    find_package(OpenMP COMPONENTS C)
    if(NOT OpenMP_C_FOUND)
        message(FATAL_ERROR "The C compiler ${CMAKE_C_COMPILER} has no OpenMP (with clang, install libomp-dev); configure with -DAMB_OPENMP=OFF to do without threads.")
    endif()
    target_link_libraries(amb_flags INTERFACE OpenMP::OpenMP_C)
else()
    target_compile_options(amb_flags INTERFACE -Wno-unknown-pragmas)
endif()

# amb_library(NAME SOURCES... [LIBS libs...]): the static library of one module. LIBS are passed on to whoever links it.
function(amb_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
    add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PUBLIC ${arg_LIBS} amb_flags)
endfunction()

# amb_public_library(TARGET NAME COMPONENT): TARGET is a shared library that hosts link as libNAME.so; it is installed as part of
# COMPONENT. It must hold only position independent code and export only what its header marks.
function(amb_public_library target name component)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
        INSTALL_RPATH "$ORIGIN")
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
    target_link_options(${target} PRIVATE -Wl,--as-needed -Wl,--exclude-libs,ALL)
    if(NOT AMB_SANITIZE) # clang's runtimes are in the program, not in its libraries
        target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
    set_property(GLOBAL APPEND PROPERTY amb_public_${component} ${target})
endfunction()

# All programs and nothing else: `cmake --build build --target programs`.
if(PROJECT_IS_TOP_LEVEL)
    add_custom_target(programs)
endif()

# amb_program(NAME SOURCES... [LIBS libs...] [COMPONENT component]): a program that lands directly in the build folder and is installed
# as part of COMPONENT (tools).
function(amb_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "COMPONENT" "LIBS")
    if(NOT arg_COMPONENT)
        set(arg_COMPONENT tools)
    endif()
    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    if(TARGET programs)
        add_dependencies(programs ${name})
    endif()
    if(amb_mujoco_needs_avx)
        target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/base/cpu_check.c)
        target_compile_definitions(${name} PRIVATE AMB_PROGRAM="${name}")
        if(AMB_SANITIZE) # it runs before their libraries are up
            set_source_files_properties(${PROJECT_SOURCE_DIR}/base/cpu_check.c PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
        endif()
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_link_libraries(${name} PRIVATE ${arg_LIBS} amb_flags)
    set_property(GLOBAL APPEND PROPERTY amb_programs_${arg_COMPONENT} ${name})
endfunction()

# amb_proto(TARGET FOLDER/FILE.proto): compiles a schema with protoc-c into TARGET; C code includes it as "FOLDER/FILE.pb-c.h".
function(amb_proto target proto)
    string(REGEX REPLACE "\\.proto$" ".pb-c" stem ${PROJECT_BINARY_DIR}/${proto})
    add_custom_command(
        OUTPUT ${stem}.c ${stem}.h
        COMMAND ${PROTOC_C} --c_out=${PROJECT_BINARY_DIR} -I ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${proto}
        DEPENDS ${PROJECT_SOURCE_DIR}/${proto}
        VERBATIM)
    set_source_files_properties(${stem}.c PROPERTIES COMPILE_OPTIONS "-w")
    target_sources(${target} PRIVATE ${stem}.c ${stem}.h)
endfunction()
