# pipeloom_embed(TARGET files...): the texts of these files, known by their paths from the project's root, as
# embedded_files() of proto/base/embedded.h. A program then needs no folder beside it to find them.
function(pipeloom_embed target)
  set(entries "")
  foreach(file ${ARGN})
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${file})
    file(READ ${file} content)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    string(APPEND entries "    {\"${path}\", R\"embedded(${content})embedded\"},\n")
  endforeach()
  set(embedded ${CMAKE_CURRENT_BINARY_DIR}/embedded_files.cpp)
  file(CONFIGURE OUTPUT ${embedded} CONTENT [[
#include "proto/base/embedded.h"

namespace pipeloom::proto {

std::span<const EmbeddedFile> embedded_files() {
  static constexpr EmbeddedFile kFiles[] = {
@entries@  };
  return kFiles;
}

}  // namespace pipeloom::proto
]] @ONLY)
  target_sources(${target} PRIVATE ${embedded})
endfunction()

# pipeloom_text(TARGET FUNCTION TEXT): `const char* FUNCTION()` in namespace pipeloom, which returns TEXT. As a compile
# definition a text would be split at its semicolons and lose its quotes; here every character stays what it is.
function(pipeloom_text target function text)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}_${function}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT [[
namespace pipeloom {

const char* @function@();  // declared where it is used
const char* @function@() { return R"text(@text@)text"; }

}  // namespace pipeloom
]] @ONLY)
  target_sources(${target} PRIVATE ${source})
endfunction()
