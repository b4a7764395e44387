# What `cmake --install` puts in place, and the Debian packages that `cpack` makes of it. Three components, as the
# programs: a laptop that plans needs no oneDNN, a node that trains no Qt.
#
# The programs write their own man pages and completions (--write-manual), from the table behind --help.
set(share ${PROJECT_BINARY_DIR}/share)
set(programs pipeloom)
foreach(program pipeloom-run pipeloom-gui)
  if(TARGET ${program})
    list(APPEND programs ${program})
  endif()
endforeach()

foreach(program ${programs})
  add_custom_command(
    OUTPUT ${share}/${program}.stamp
    COMMAND ${program} --write-manual ${share}/${program}
    COMMAND ${CMAKE_COMMAND} -E touch ${share}/${program}.stamp
    DEPENDS ${program}
    COMMENT "Man pages and completions of ${program}" VERBATIM)
  list(APPEND manuals ${share}/${program}.stamp)
  install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${program})
  install(DIRECTORY ${share}/${program}/ DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT ${program})
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${program} COMPONENT ${program} RENAME copyright)
endforeach()
add_custom_target(pipeloom_manual ALL DEPENDS ${manuals})

install(DIRECTORY samples DESTINATION ${CMAKE_INSTALL_DATADIR}/pipeloom COMPONENT pipeloom)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/pipeloom COMPONENT pipeloom)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/pipeloom COMPONENT pipeloom)
if(TARGET pipeloom-gui)
  install(FILES gui/pipeloom-gui.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications COMPONENT pipeloom-gui)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pipeloom)
set(CPACK_PACKAGE_VENDOR Pipeloom)
set(CPACK_PACKAGE_CONTACT "Pipeloom <pipeloom@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Plans, simulates and executes pipeline-parallel training")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL ${programs})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
foreach(program ${programs})
  string(TOUPPER ${program} component)
  set(CPACK_DEBIAN_${component}_PACKAGE_NAME ${program})
endforeach()
set(CPACK_COMPONENT_PIPELOOM_DESCRIPTION "Which schedule for my model, my cluster and my memory?")
set(CPACK_COMPONENT_PIPELOOM-RUN_DESCRIPTION "Executes Pipeloom's plans: trains their model, step by step")
set(CPACK_COMPONENT_PIPELOOM-GUI_DESCRIPTION "Shows, edits and compares Pipeloom's plans in a window")
set(CPACK_DEBIAN_PIPELOOM_PACKAGE_SUGGESTS "pipeloom-run, pipeloom-gui")
set(CPACK_DEBIAN_PIPELOOM-RUN_PACKAGE_RECOMMENDS "openmpi-bin")
# Qt loads its platforms at run time, so no linker names them; and a window needs some font.
set(CPACK_DEBIAN_PIPELOOM-GUI_PACKAGE_DEPENDS "qt6-qpa-plugins, fonts-dejavu-core")
include(CPack)
