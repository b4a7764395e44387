#include "proto/base/new_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "proto/base/files.h"

namespace pipeloom::proto {

namespace {

namespace fs = std::filesystem;

Status write_files(const fs::path& folder, const std::vector<FolderFile>& files) {
  for (const FolderFile& file : files) {
    PIPELOOM_RETURN_IF_ERROR(write_file_atomically((folder / file.name).string(), file.content));
  }
  return {};
}

}  // namespace

Status write_new_folder(const std::string& path, const std::vector<FolderFile>& files) {
  std::string target = path;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  std::error_code error;
  if (fs::symlink_status(target, error).type() != fs::file_type::not_found) {
    return fail(ErrorCode::kIo, fmt::format("can't write {}: it exists; name a new folder", path));
  }
  const fs::path temporary = fmt::format("{}.{}.tmp", target, getpid());
  if (!fs::create_directory(temporary, error)) {
    return fail(ErrorCode::kIo, fmt::format("can't write {}: {}", path, error.message()));
  }
  Status written = write_files(temporary, files);
  if (written) {
    fs::rename(temporary, target, error);
    if (error) written = fail(ErrorCode::kIo, fmt::format("can't write {}: {}", path, error.message()));
  }
  if (!written) fs::remove_all(temporary, error);
  return written;
}

}  // namespace pipeloom::proto
