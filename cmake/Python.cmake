# pipeloom_find_python(REASON): sets PIPELOOM_WITH_PYTHON if the headers of Python and pybind11 are there, else REASON says
# why they are not. The system's Python comes first: pybind11 and PyTorch of the distribution are its packages. Another one
# is chosen by Python_EXECUTABLE, as `pip install` does.
macro(pipeloom_find_python reason)
  set(PIPELOOM_WITH_PYTHON OFF)
  set(${reason} "")
  if(PIPELOOM_SANITIZE)
    set(${reason} "a sanitizer's library would have to be loaded into Python")
  else()
    if(NOT DEFINED Python_EXECUTABLE AND EXISTS /usr/bin/python3)
      set(Python_EXECUTABLE /usr/bin/python3)
    endif()
    find_package(Python 3.9 COMPONENTS Interpreter Development.Module QUIET)
    set(PYBIND11_FINDPYTHON ON)
    find_package(pybind11 2.10 CONFIG QUIET)
    if(NOT Python_Development.Module_FOUND)
      set(${reason} "no headers of Python were found (Debian: python3-dev)")
    elseif(NOT pybind11_FOUND)
      set(${reason} "no pybind11 was found (Debian: pybind11-dev)")
    else()
      set(PIPELOOM_WITH_PYTHON ON)
    endif()
  endif()
endmacro()

# pipeloom_for_python(TARGET): compiles a library so that the Python module can hold it. Its functions still call each
# other directly.
function(pipeloom_for_python target)
  if(PIPELOOM_WITH_PYTHON)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_options(${target} PRIVATE -fno-semantic-interposition)
  endif()
endfunction()
