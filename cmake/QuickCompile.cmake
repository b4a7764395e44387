# PIPELOOM_QUICK_COMPILE: a cold build with as little CPU time as possible, for a newcomer's first minutes. The files of a
# room become one unit for the compiler, so that their headers are read once; and what no planning waits for is
# optimized less. Not for work on the code: a changed file compiles its whole room.
option(PIPELOOM_QUICK_COMPILE "Compile each room as one unit" OFF)

# Files that stay alone, because another file of their room has an anonymous helper of the same name. If a new file does not
# compile with this option for such a reason, rename its helper or add the file here.
set(PIPELOOM_ALONE
  planner/schedules/dualpipev.cpp
  planner/schedules/v_min.cpp
  planner/schedules/zb_v_pytorch.cpp
  planner/schedules/zero_bubble_heuristic.cpp
  planner/subject/compare.cpp
  proto/job/gpu_message.cpp
  proto/job/job_message.cpp
  proto/job/measured_iterations.cpp
  proto/job/measured_layers.cpp
  sim/engine/simulate_tasks.cpp)

# pipeloom_optimize_less(TARGET): for a library that no planning waits for.
function(pipeloom_optimize_less target)
  if(PIPELOOM_QUICK_COMPILE)
    target_compile_options(${target} PRIVATE -O1)
  endif()
endfunction()

# pipeloom_quick_compile(TARGET): one unit for each room of a library, or for twelve of its files if it has more.
function(pipeloom_quick_compile target)
  if(NOT PIPELOOM_QUICK_COMPILE)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE path)
    if(path IN_LIST PIPELOOM_ALONE OR NOT path MATCHES "/.*/")
      continue()
    endif()
    cmake_path(GET path PARENT_PATH room)
    string(MAKE_C_IDENTIFIER ${room} room)
    if(NOT DEFINED files_of_${room})
      set(files_of_${room} 0)
    endif()
    math(EXPR part "${files_of_${room}} / 12")
    math(EXPR files_of_${room} "${files_of_${room}} + 1")
    set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${room}_${part})
  endforeach()
endfunction()
