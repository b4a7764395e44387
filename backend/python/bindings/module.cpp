#include <pybind11/pybind11.h>

#include "backend/python/bindings/bindings.h"
#include "core/base/build_info.h"

namespace pipeloom::backend {

namespace py = pybind11;

py::object array_of(const std::vector<int64_t>& values) {
  return py::module_::import("array").attr("array")(
      "q", py::bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t)));
}

namespace {

const char* code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kDeadlock:
      return "deadlock";
  }
  return "";
}

void bind_errors(py::module_& module) {
  static PyObject* type =
      PyErr_NewExceptionWithDoc("pipeloom.Error",
                                "What the command would print: the file, the field, the value and what is allowed.\n\n"
                                "code: \"invalid\", \"unsupported\", \"not found\", \"io\" or \"deadlock\".",
                                nullptr, nullptr);
  module.add_object("Error", type);
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const ErrorInPython& it) {
      const py::object exception = py::reinterpret_borrow<py::object>(type)(it.error.message);
      exception.attr("code") = code_name(it.error.code);
      PyErr_SetObject(type, exception.ptr());
    }
  });
}

}  // namespace

}  // namespace pipeloom::backend

PYBIND11_MODULE(_native, module) {
  using namespace pipeloom::backend;
  module.doc() = "Pipeloom's planner.";
  module.attr("__version__") = pipeloom::build_info().version;
  bind_errors(module);
  bind_jobs(module);
  bind_plans(module);
}
