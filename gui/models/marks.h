#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "gui/timeline/frame.h"

namespace pipeloom::gui {

// Named marks are kept beside their file, in FILE.marks (JSON).
std::string marks_path(const std::string& path);
// No marks where there is no such file.
Result<std::vector<Mark>> read_marks(const std::string& path);
Status write_marks(const std::string& path, const std::vector<Mark>& marks);

}  // namespace pipeloom::gui
