# What `cmake --install` puts where, in components.
#
#   runtime  libamble.so.0, libmujoco, the assets, licences
#   dev      headers, libamble.so, libamble.a, amble.pc, ambleConfig.cmake, examples' sources, documentation
#   tools    amble, amble-bench, their manual pages and completions, get-clips.sh, convert_mimickit.py
#   viewer   amble-view, its manual page and completions
#   openmpi, mpich   the plug-in for that MPI, where it was built (learn/exchange.cmake)
#
# Everything finds everything else by relative paths, so an installation may be moved as a whole.
include(CMakePackageConfigHelpers)
set(amb_cmakedir ${CMAKE_INSTALL_LIBDIR}/cmake/amble)
set(amb_components runtime dev tools viewer)
get_property(exchanges GLOBAL PROPERTY amb_exchanges)
foreach(exchange ${exchanges})
    string(REPLACE "amb_exchange_" "" component ${exchange})
    list(APPEND amb_components ${component})
    install(TARGETS ${exchange} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component})
endforeach()

# ---- libraries ----

set(amb_public_names "") # amble, and others beside it: for ambleConfig.cmake
foreach(component ${amb_components})
    get_property(libraries GLOBAL PROPERTY amb_public_${component})
    foreach(library ${libraries})
        install(TARGETS ${library} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component} NAMELINK_COMPONENT dev)
        get_target_property(name ${library} OUTPUT_NAME)
        list(APPEND amb_public_names ${name})
    endforeach()
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/lib/libamble.a DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(DIRECTORY include/amble ${PROJECT_BINARY_DIR}/include/amble DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
        FILES_MATCHING PATTERN "*.h")
if(amb_mujoco_bundled)
    install(FILES ${amb_mujoco_bundled} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime)
    install(DIRECTORY ${amb_mujoco_licences}/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/mujoco COMPONENT runtime)
endif()

# ---- how other builds find it ----

# Libs.private and not Requires.private: a host that links the shared library need not have the packages of what lies behind it.
if(amb_mujoco_bundled)
    get_filename_component(amb_mujoco_file ${amb_mujoco_bundled} NAME)
    set(amb_pc_private "-l:${amb_mujoco_file}")
else()
    set(amb_mujoco_file "")
    set(amb_pc_private "-lmujoco")
endif()
foreach(library ${amb_static_needs})
    if(IS_ABSOLUTE ${library})
        string(APPEND amb_pc_private " ${library}")
    else()
        string(APPEND amb_pc_private " -l${library}")
    endif()
endforeach()
file(RELATIVE_PATH amb_pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" amb_pc_prefix "${amb_pc_prefix}")
foreach(name amble amble-static)
    configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endforeach()
configure_package_config_file(cmake/ambleConfig.cmake.in ${PROJECT_BINARY_DIR}/ambleConfig.cmake INSTALL_DESTINATION ${amb_cmakedir}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ambleConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ambleConfig.cmake ${PROJECT_BINARY_DIR}/ambleConfigVersion.cmake DESTINATION ${amb_cmakedir} COMPONENT dev)

# ---- programs ----

foreach(component ${amb_components})
    get_property(programs GLOBAL PROPERTY amb_programs_${component})
    if(programs)
        install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
    endif()
endforeach()
if(AMB_ASSIMP)
    install(TARGETS amble-fbx RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/amble COMPONENT tools)
endif()
install(PROGRAMS scripts/get-clips.sh scripts/names.sh scripts/convert_mimickit.py DESTINATION ${CMAKE_INSTALL_DATADIR}/amble COMPONENT tools)
install(FILES bench/latency_peer.py DESTINATION ${CMAKE_INSTALL_DATADIR}/amble COMPONENT tools) # run by the Python that --peer names

# ---- data and documentation ----

install(DIRECTORY assets/ DESTINATION ${CMAKE_INSTALL_DATADIR}/amble COMPONENT runtime)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev FILES_MATCHING PATTERN "*.md" PATTERN "*.png" PATTERN "*.gif" PATTERN "*.ipynb")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev
        FILES_MATCHING PATTERN "*.c" PATTERN "*.cpp" PATTERN "*.h" PATTERN "*.md" PATTERN "CMakeLists.txt")

# ---- manual pages and completions, made of the programs' --help ----

get_property(tools GLOBAL PROPERTY amb_programs_tools)
get_property(viewer GLOBAL PROPERTY amb_programs_viewer)
set(programs ${tools} ${viewer})
set(manuals_default OFF) # a sanitizer's programs are slow, and may need help to start
if(programs AND NOT AMB_SANITIZE AND (NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR))
    set(manuals_default ON)
endif()
option(AMB_MANUALS "Make manual pages and shell completions, which runs the programs' --help" ${manuals_default})
if(AMB_MANUALS AND programs)
    set(manuals ${PROJECT_BINARY_DIR}/manuals)
    set(paths "")
    foreach(program ${programs})
        list(APPEND paths $<TARGET_FILE:${program}>)
    endforeach()
    add_custom_command(
        OUTPUT ${manuals}/made
        COMMAND ${CMAKE_COMMAND} -E env "AMB_RUN=${CMAKE_CROSSCOMPILING_EMULATOR}" sh ${PROJECT_SOURCE_DIR}/scripts/make-manuals.sh
                ${PROJECT_VERSION} ${manuals} ${paths}
        DEPENDS ${programs} scripts/make-manuals.sh scripts/make-manuals.awk scripts/make-completions.awk CHANGELOG.md
        VERBATIM)
    add_custom_target(manuals ALL DEPENDS ${manuals}/made)
    foreach(component tools viewer)
        get_property(programs GLOBAL PROPERTY amb_programs_${component})
        foreach(program ${programs})
            install(FILES ${manuals}/${program}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT ${component}
                    RENAME ${program})
            install(FILES ${manuals}/${program}.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT ${component}
                    RENAME _${program})
            install(FILES ${manuals}/${program}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT ${component})
        endforeach()
    endforeach()
    install(DIRECTORY ${manuals}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT tools PATTERN "amble-view*" EXCLUDE)
    install(DIRECTORY ${manuals}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT viewer FILES_MATCHING PATTERN "amble-view*")
endif()
