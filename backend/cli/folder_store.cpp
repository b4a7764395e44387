#include "backend/cli/folder_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "proto/base/files.h"

namespace pipeloom::backend {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLockFile = "lock";  // stays: to remove it would let two runs lock two files of the same name

// What a rank writes it must be able to read: far above the memory that a rank can have.
constexpr size_t kMostCheckpointBytes = size_t{1} << 46;

}  // namespace

Result<FolderStore> FolderStore::create(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("can't make the folder {}: {}", folder, error.message()));
  const fs::perms permissions = fs::status(folder, error).permissions();
  if ((permissions & fs::perms::others_write) != fs::perms::none) {
    return invalid(
        fmt::format("everyone may write to {}, so its checkpoints could be anybody's: chmod o-w it, or name "
                    "another folder",
                    folder));
  }
  FolderStore store(folder);
  PIPELOOM_RETURN_IF_ERROR(proto::check_writable(store.path(kLastCheckpoint)));
  return store;
}

FolderStore::Handle::~Handle() {
  if (number_ >= 0) close(number_);
}

Status FolderStore::lock() {
  const std::string name = path(kLockFile);
  Handle file(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (file.number() < 0) {
    return fail(ErrorCode::kIo, fmt::format("can't lock {}: {}", folder_, std::strerror(errno)));
  }
  if (flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return fail(ErrorCode::kIo, fmt::format("can't lock {}: {}", folder_, std::strerror(errno)));
    }
    return invalid(
        fmt::format("another run writes its checkpoints to {}: wait for its end, or name another folder", folder_));
  }
  lock_ = std::move(file);
  return remove_half_written();
}

// What a write leaves that never came to its end: "step12.rank3.4711-0.tmp".
Status FolderStore::remove_half_written() {
  PIPELOOM_TRY(const std::vector<std::string> all, names());
  for (const std::string& name : all) {
    const bool ours = name.starts_with("step") || name.starts_with(kLastCheckpoint);
    if (ours && name.ends_with(".tmp")) remove(name);
  }
  return {};
}

Result<std::vector<std::string>> FolderStore::names() {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator place(folder_, error), end; !error && place != end; place.increment(error)) {
    names.push_back(place->path().filename().string());
  }
  if (error) return fail(ErrorCode::kIo, fmt::format("can't read the folder {}: {}", folder_, error.message()));
  return names;
}

Status FolderStore::write(const std::string& name, const std::string& content) {
  return proto::write_file_atomically(path(name), content);
}

Result<std::optional<std::string>> FolderStore::read(const std::string& name) {
  std::error_code error;
  if (!fs::exists(path(name), error)) return std::optional<std::string>();
  PIPELOOM_TRY(std::string content, proto::read_file(path(name), kMostCheckpointBytes));
  return std::optional(std::move(content));
}

// What can't be removed only takes room.
void FolderStore::remove(const std::string& name) {
  std::error_code error;
  fs::remove(path(name), error);
}

}  // namespace pipeloom::backend
