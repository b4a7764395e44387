#pragma once

#include <initializer_list>
#include <string>

#include "core/base/result.h"
#include "planner/app/file_kind.h"

namespace pipeloom::planner {

// Says which of the expected kinds a file is: by what it begins with, where that tells, else by the end of its name.
// Another kind is refused with what was expected; for what is not a job yet, the error says how to make one of it.
Result<FileKind> kind_of_file(const std::string& path, std::initializer_list<FileKind> expected = kAllFileKinds);

}  // namespace pipeloom::planner
