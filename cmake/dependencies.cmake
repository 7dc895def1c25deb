# The libraries that come from the system's packages, as targets amb_dnnl, amb_protobuf_c, amb_jansson, amb_cmocka, and the program PROTOC_C.
# A missing one stops the configuration with the package to install.

# amb_system_library(TARGET HEADER LIBRARY PACKAGE)
function(amb_system_library target header library package)
    string(TOUPPER ${target} upper)
    find_path(${upper}_INCLUDE_DIR ${header})
    find_library(${upper}_LIBRARY ${library})
    mark_as_advanced(${upper}_INCLUDE_DIR ${upper}_LIBRARY)
    if(NOT ${upper}_INCLUDE_DIR OR NOT ${upper}_LIBRARY)
        message(FATAL_ERROR "lib${library} or its header ${header} is missing: install the package ${package} (Debian, Ubuntu), or run ./run.sh, which does.")
    endif()
    add_library(${target} INTERFACE)
    target_include_directories(${target} SYSTEM INTERFACE ${${upper}_INCLUDE_DIR})
    target_link_libraries(${target} INTERFACE ${${upper}_LIBRARY})
endfunction()

amb_system_library(amb_dnnl dnnl.h dnnl libdnnl-dev)
amb_system_library(amb_protobuf_c protobuf-c/protobuf-c.h protobuf-c libprotobuf-c-dev)
amb_system_library(amb_jansson jansson.h jansson libjansson-dev)
if(AMB_TESTS)
    amb_system_library(amb_cmocka cmocka.h cmocka libcmocka-dev)
endif()

find_program(PROTOC_C protoc-c)
mark_as_advanced(PROTOC_C)
if(NOT PROTOC_C)
    message(FATAL_ERROR "protoc-c is missing: install the package protobuf-c-compiler (Debian, Ubuntu), or run ./run.sh, which does.")
endif()
