#include "proto/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace pipeloom::proto {

namespace {

tl::unexpected<Error> io_error(const char* what, const std::string& path) {
  const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return fail(code, fmt::format("can't {} {}: {}", what, path, std::strerror(errno)));
}

// Where a write to `path` ends up: a symbolic link stays, its target is replaced.
std::string follow_links(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

// False, with errno, where reading failed.
bool read_all(int descriptor, size_t most_bytes, std::string* content) {
  constexpr size_t kStep = 1 << 20;
  struct stat about = {};
  if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode)) {
    const auto expected = static_cast<size_t>(about.st_size);
    if (expected >= most_bytes) {
      errno = EFBIG;
      return false;
    }
    content->resize(expected + 1);  // the read past the end finds room
  }
  size_t size = 0;
  while (true) {
    if (content->size() == size) content->resize(std::max(2 * size, size + kStep));
    const ssize_t count = read(descriptor, content->data() + size, content->size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count > 0 && size + static_cast<size_t>(count) >= most_bytes) {
      errno = EFBIG;
      return false;
    }
    if (count <= 0) {
      content->resize(size);
      return count == 0;
    }
    size += static_cast<size_t>(count);
  }
}

std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> count = 0;  // threads of one process may write beside each other
  return fmt::format("{}.{}-{}.tmp", path, getpid(), count++);
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  return read_file(path, kMostFileBytes);
}

Result<std::string> read_file(const std::string& path, size_t most_bytes) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return io_error("read", path);
  std::string content;
  const bool complete = read_all(descriptor, most_bytes, &content);
  const int read_errno = errno;  // close may change it
  close(descriptor);
  errno = read_errno;
  if (!complete && read_errno == EFBIG) {
    return invalid(fmt::format("{} is too large; allowed are files of less than {} GiB", path, most_bytes >> 30));
  }
  if (!complete) return io_error("read", path);
  return content;
}

Status write_file_atomically(const std::string& path, std::string_view content) {
  PIPELOOM_TRY(AtomicFile file, AtomicFile::create(path));
  PIPELOOM_RETURN_IF_ERROR(file.append(content));
  return file.commit();
}

Status check_writable(const std::string& path) {
  return AtomicFile::create(path).map([](const AtomicFile&) {});
}

AtomicFile::AtomicFile(std::string path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  struct stat existing = {};
  const bool exists = stat(path.c_str(), &existing) == 0;
  if (exists && S_ISDIR(existing.st_mode)) {
    errno = EISDIR;
    return io_error("write", path);
  }
  // Replacing a device or a pipe by a file would break whoever uses it.
  if (exists && !S_ISREG(existing.st_mode)) {
    return fail(ErrorCode::kIo, fmt::format("can't write {}: it is not a regular file", path));
  }
  std::string temporary = temporary_name(follow_links(path));
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return io_error("write", path);
  AtomicFile file(path, std::move(temporary), descriptor);
  if (exists && fchmod(descriptor, existing.st_mode & 07777) != 0) return io_error("write", path);
  return file;
}

Status AtomicFile::append(std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(descriptor_, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("write", path_);
    content.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Status AtomicFile::commit() {
  if (fsync(descriptor_) != 0) return io_error("write", path_);
  if (close(std::exchange(descriptor_, -1)) != 0) return io_error("write", path_);
  if (std::rename(temporary_.c_str(), follow_links(path_).c_str()) != 0) return io_error("write", path_);
  temporary_.clear();
  return {};
}

}  // namespace pipeloom::proto
