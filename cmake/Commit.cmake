# The commit that a build is of, in one small generated file: a new commit compiles that file and links the programs, no
# more. As a script (cmake -P) this writes the file if the commit is another one; included, it defines the library
# pipeloom_build_info, which has build_info() of core/base/build_info.h.
#
# Without git, as in a tarball of `git archive`, the commit comes from cmake/commit.txt, which `git archive` fills in.
if(CMAKE_SCRIPT_MODE_FILE)
  set(commit "")
  find_program(GIT git)
  if(GIT AND EXISTS ${SOURCE}/.git)
    execute_process(
      COMMAND ${GIT} -c safe.directory=${SOURCE} -C ${SOURCE} describe --always --dirty --abbrev=9 --match "v[0-9]*"
      OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(NOT commit)
    file(READ ${SOURCE}/cmake/commit.txt commit)
    string(STRIP "${commit}" commit)
    if(commit MATCHES "Format:")
      set(commit "")
    endif()
  endif()
  file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#include "core/base/build_info.h"

namespace pipeloom {

BuildInfo build_info() { return {PIPELOOM_VERSION, "@commit@", PIPELOOM_BUILD_TYPE, PIPELOOM_COMPILER}; }

}  // namespace pipeloom
]] @ONLY)  # leaves a file alone that would not change
  return()
endif()

set(generated ${PROJECT_BINARY_DIR}/build_info.cpp)
set(write ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUTPUT=${generated} -P ${CMAKE_CURRENT_LIST_FILE})
execute_process(COMMAND ${write} COMMAND_ERROR_IS_FATAL ANY)
add_custom_target(pipeloom_commit COMMAND ${write} BYPRODUCTS ${generated} COMMENT "" VERBATIM)
add_library(pipeloom_build_info STATIC ${generated})
pipeloom_for_python(pipeloom_build_info)
add_dependencies(pipeloom_build_info pipeloom_commit)
target_compile_definitions(pipeloom_build_info PRIVATE
  PIPELOOM_VERSION="${PROJECT_VERSION}" PIPELOOM_BUILD_TYPE="${CMAKE_BUILD_TYPE}"
  PIPELOOM_COMPILER="${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
target_link_libraries(pipeloom_build_info PUBLIC pipeloom_core PRIVATE pipeloom_compiler)
