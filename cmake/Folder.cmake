# pipeloom_folder(NAME): one static library of every .cpp below a top folder, but not of its program (cli/, main.cpp), of
# what its programs share (app/), of what is only built where its library is there (mpi/, cuda/, python/), or of what needs a
# device's kernels at link time (device/measure/, device/model/, device/run/). Its include root holds nothing but that folder (a link in the
# build tree), so a folder can include only what it links: the include direction is a build error, not a habit.
function(pipeloom_folder name)
  set(root ${PROJECT_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${name} ${root}/${name} SYMBOLIC)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/(main\\.cpp|app/[^/]*|cli/[^/]*|mpi/[^/]*|backend/(cuda|python)/.*|backend/device/(measure|model|run)/[^/]*)$")
  add_library(pipeloom_${name} STATIC ${sources})
  target_include_directories(pipeloom_${name} PUBLIC ${root})
  target_link_libraries(pipeloom_${name} PRIVATE pipeloom_compiler fmt::fmt)
  if(NOT name STREQUAL backend)
    pipeloom_quick_compile(pipeloom_${name})
    pipeloom_for_python(pipeloom_${name})
  endif()
endfunction()

# pipeloom_test(FOLDER targets...): the tests of one top folder, tests/FOLDER/**_test.cpp and their helpers, in one program.
function(pipeloom_test folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_bench\\.cpp$|/tests/backend/(cuda|device/model|device/products|device/run)/")
  add_executable(${folder}_test ${sources})
  target_link_libraries(${folder}_test PRIVATE pipeloom_compiler pipeloom_test_support fmt::fmt GTest::gtest_main ${ARGN})
  gtest_discover_tests(${folder}_test DISCOVERY_TIMEOUT 60)
endfunction()

# pipeloom_bench(FOLDER targets...): every tests/FOLDER/**_bench.cpp in one program.
function(pipeloom_bench folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*_bench.cpp)
  list(FILTER sources EXCLUDE REGEX "/tests/backend/cuda/")
  add_executable(${folder}_bench ${sources} ${PROJECT_SOURCE_DIR}/tests/support/bench_main.cpp)
  target_link_libraries(${folder}_bench PRIVATE pipeloom_compiler fmt::fmt benchmark::benchmark ${ARGN})
endfunction()
