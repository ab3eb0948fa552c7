# The few functions that every folder's CMakeLists.txt is written with.

add_library(proa_options INTERFACE)
target_compile_options(proa_options INTERFACE
  -iquote ${CMAKE_SOURCE_DIR}/src
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wimplicit-fallthrough
  -Wno-missing-field-initializers -Werror
  -fno-strict-aliasing -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # TRY is a statement expression and thread-safety analysis is clang's. gcc 12's own algorithms use
  # what its headers call deprecated.
  target_compile_options(proa_options INTERFACE -Wthread-safety -Wno-gnu-statement-expression
    -Wno-gnu-statement-expression-from-macro-expansion -Wno-deprecated-declarations)
else()
  # gcc 12 warns of paths that the sanitizers' and the optimizer's own rewriting made up.
  target_compile_options(proa_options INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized
    -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(proa_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -ffunction-sections -fdata-sections)
  target_link_options(proa_options INTERFACE -Wl,--gc-sections)
endif()
if(PROA_SANITIZE)
  target_compile_options(proa_options INTERFACE -fsanitize=${PROA_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(proa_options INTERFACE -fsanitize=${PROA_SANITIZE})
endif()

# What most files include, parsed once for all of them: a third of a build's time. Not beside
# ccache, which serves files better alone and so also shows an include that is missing.
if(NOT CCACHE)
  file(WRITE ${CMAKE_BINARY_DIR}/common_headers.cc "")
  add_library(proa_common_headers OBJECT ${CMAKE_BINARY_DIR}/common_headers.cc)
  target_link_libraries(proa_common_headers PRIVATE proa_options)
  target_precompile_headers(proa_common_headers PRIVATE
    <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <mutex> <optional> <set>
    <span> <string> <string_view> <thread> <utility> <variant> <vector>
    ${CMAKE_SOURCE_DIR}/src/base/fd.h ${CMAKE_SOURCE_DIR}/src/base/json.h
    ${CMAKE_SOURCE_DIR}/src/base/number.h ${CMAKE_SOURCE_DIR}/src/base/result.h
    ${CMAKE_SOURCE_DIR}/src/base/text.h)
endif()

# proa_reuse_headers(<target>): compiles this target with them.
function(proa_reuse_headers target)
  if(NOT CCACHE)
    target_precompile_headers(${target} REUSE_FROM proa_common_headers)
  endif()
endfunction()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# proa_find(<name> <pkg-config module>) makes dep_<name>, usable in shared and static programs.
function(proa_find name module)
  if(TARGET dep_${name})
    return()
  endif()
  pkg_check_modules(DEP_${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(dep_${name} INTERFACE)
  if(PROA_STATIC)
    target_link_libraries(dep_${name} INTERFACE ${DEP_${name}_STATIC_LINK_LIBRARIES}
      ${DEP_${name}_STATIC_LIBRARIES})
  else()
    target_link_libraries(dep_${name} INTERFACE PkgConfig::DEP_${name})
  endif()
endfunction()

# proa_library(<folder> [<dependency>...]): the library of this folder and all below it, from
# every .cc file but tests and fuzz targets. Beside it, where there are such files:
#   *_test.cc         -> test_<folder>_unit
#   *_kernel_test.cc  -> test_<folder>_kernel    (needs root)
#   *_kvm_test.cc     -> test_<folder>_kvm       (needs /dev/kvm)
#   <what>_fuzz.cc    -> fuzz_<what>             (preset fuzz)
function(proa_library folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  set(target proa_${folder})
  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC proa_options Threads::Threads ${ARGN})
    proa_reuse_headers(${target})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE proa_options ${ARGN})
  endif()

  if(PROA_TESTS)
    set(kernel_tests ${tests})
    set(kvm_tests ${tests})
    list(FILTER kernel_tests INCLUDE REGEX "_kernel_test\\.cc$")
    list(FILTER kvm_tests INCLUDE REGEX "_kvm_test\\.cc$")
    list(FILTER tests EXCLUDE REGEX "_(kernel|kvm)_test\\.cc$")
    proa_test(${folder}_unit LABEL unit SOURCES ${tests} DEPS ${target})
    proa_test(${folder}_kernel LABEL kernel SOURCES ${kernel_tests} DEPS ${target})
    proa_test(${folder}_kvm LABEL kvm SOURCES ${kvm_tests} DEPS ${target})
  endif()
  if(PROA_FUZZ)
    foreach(source IN LISTS fuzzers)
      get_filename_component(name ${source} NAME_WE)
      string(REGEX REPLACE "_fuzz$" "" name ${name})
      add_executable(fuzz_${name} ${source})
      target_link_libraries(fuzz_${name} PRIVATE ${target})
      target_compile_options(fuzz_${name} PRIVATE "SHELL:-iquote ${CMAKE_SOURCE_DIR}")
      target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()

# proa_test(<name> LABEL <label> SOURCES <file>... DEPS <target>...): one gtest program,
# bin/test_<name>, registered with ctest under its label.
function(proa_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_SOURCES OR NOT ARG_LABEL IN_LIST PROA_TEST_LABELS)
    return()
  endif()
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${ARG_DEPS} proa_fixtures)
  proa_reuse_headers(test_${name})
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 900)
endfunction()

# What users run, without the programs of tests and benchmarks.
add_custom_target(programs)

# proa_program(<name> [STATIC] [<dependency>...]): bin/<name> from this folder's sources.
# STATIC: starts often; linked statically in the release preset.
function(proa_program name)
  cmake_parse_arguments(ARG "STATIC" "" "" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_UNPARSED_ARGUMENTS})
  proa_reuse_headers(${name})
  if(ARG_STATIC AND PROA_STATIC)
    target_link_options(${name} PRIVATE -static -Wl,--fatal-warnings)
  endif()
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "^${CMAKE_SOURCE_DIR}/src/apps/")
    add_dependencies(programs ${name})
  endif()
endfunction()

if(PROA_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
endif()
