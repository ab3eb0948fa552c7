# Where `cmake --install` puts things: what people type into bin, what the engine starts beside
# proad into lib/proa (proad looks for its programs where it lies itself), systemd's units and the
# group into their places below the prefix.
include(GNUInstallDirs)
set(PROA_LIBEXEC ${CMAKE_INSTALL_PREFIX}/lib/proa)  # as the unit names it
set(PROA_SYSTEMD lib/systemd/system)

foreach(program proad proa-shim proa-net proa-worker proa-vmm proa-guest proa-init proa-oci proa-step proa)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION lib/proa)
  endif()
endforeach()
# Links: each program finds the others beside the real file.
install(CODE "
  set(bin \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin)
  file(MAKE_DIRECTORY \${bin})
  foreach(program proa proad proa-oci)
    file(CREATE_LINK ../lib/proa/\${program} \${bin}/\${program} SYMBOLIC)
  endforeach()")

foreach(unit proad.service proad.socket)
  configure_file(src/apps/daemon/systemd/${unit}.in ${CMAKE_BINARY_DIR}/systemd/${unit} @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/systemd/${unit} DESTINATION ${PROA_SYSTEMD})
endforeach()
install(FILES src/apps/daemon/systemd/proa.sysusers DESTINATION lib/sysusers.d RENAME proa.conf)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
