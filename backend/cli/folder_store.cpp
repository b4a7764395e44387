#include "backend/cli/folder_store.h"

#include <fmt/format.h>

#include <filesystem>

#include "proto/base/files.h"

namespace pipeloom::backend {

namespace fs = std::filesystem;

Result<FolderStore> FolderStore::create(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return FolderStore(folder);
  return fail(ErrorCode::kIo, fmt::format("can't make the folder {}: {}", folder, error.message()));
}

Status FolderStore::write(const std::string& name, const std::string& content) {
  return proto::write_file_atomically(path(name), content);
}

Result<std::optional<std::string>> FolderStore::read(const std::string& name) {
  std::error_code error;
  if (!fs::exists(path(name), error)) return std::optional<std::string>();
  PIPELOOM_TRY(std::string content, proto::read_file(path(name)));
  return std::optional(std::move(content));
}

// What can't be removed only takes room.
void FolderStore::remove(const std::string& name) {
  std::error_code error;
  fs::remove(path(name), error);
}

}  // namespace pipeloom::backend
