#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace pipeloom::proto {

// No file that people or other programs write is larger; devices never end.
inline constexpr size_t kMostFileBytes = size_t{1} << 31;

// The whole content. Errors name the path and why: missing, a directory, unreadable, `most_bytes` or more.
Result<std::string> read_file(const std::string& path);
Result<std::string> read_file(const std::string& path, size_t most_bytes);

// Replaces the file at `path`, or leaves it as it was. Permissions of an existing file are kept.
Status write_file_atomically(const std::string& path, std::string_view content);

// Fails as write_file_atomically would for a reason that can be known before; leaves the file as it was.
Status check_writable(const std::string& path);

// A file that appears at its path, complete, on commit. Until then the content grows in a temporary file of the same
// folder, which goes away with this object.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Status append(std::string_view content);
  // On disk, then renamed to the path. REQUIRES: called at most once, nothing after it.
  Status commit();

  const std::string& path() const { return path_; }

 private:
  AtomicFile(std::string path, std::string temporary, int descriptor);

  std::string path_;
  std::string temporary_;  // empty once renamed or moved from
  int descriptor_;         // -1 once closed or moved from
};

}  // namespace pipeloom::proto
