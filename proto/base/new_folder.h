#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

struct FolderFile {
  std::string name;
  std::string content;
};

// A folder that appears at `path` with all its files, or not at all. Refuses a path that exists.
Status write_new_folder(const std::string& path, const std::vector<FolderFile>& files);

}  // namespace pipeloom::proto
