# Warnings are errors; ccache where present; the build types that CMakePresets.json names.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_library(pipeloom_compiler INTERFACE)
target_compile_options(pipeloom_compiler INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion;-Werror>"
  # nvcc passes its own generated code to the host compiler too, which is not pedantic.
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra;-Werror=all-warnings>")

set(PIPELOOM_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
if(PIPELOOM_SANITIZE)
  target_compile_options(pipeloom_compiler INTERFACE -fsanitize=${PIPELOOM_SANITIZE} -fno-sanitize-recover=all
                                                     -fno-omit-frame-pointer)
  target_link_options(pipeloom_compiler INTERFACE -fsanitize=${PIPELOOM_SANITIZE})
endif()

option(PIPELOOM_FUZZ "Only core, proto and the fuzz targets, instrumented by clang" OFF)
if(PIPELOOM_FUZZ)
  target_compile_options(pipeloom_compiler INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                                                     -Wno-error)
  target_link_options(pipeloom_compiler INTERFACE -fsanitize=address,undefined)
endif()

find_program(PIPELOOM_CCACHE ccache)
if(PIPELOOM_CCACHE)
  # Paths below the checkout don't count, so that another clone finds what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
                                  ${PIPELOOM_CCACHE})
endif()
