#include "planner/app/file_head.h"

#include <fmt/format.h>

#include <filesystem>

#include "proto/kineto/block_reader.h"

namespace pipeloom::planner {

namespace {

constexpr size_t kMostBytes = size_t{1} << 16;  // the keys that tell JSON files apart come first

}  // namespace

Result<FileHead> read_file_head(const std::string& path) {
  std::error_code none;
  const auto status = std::filesystem::status(path, none);
  const bool readable_once = std::filesystem::is_fifo(status) || std::filesystem::is_character_file(status);
  if (readable_once) return FileHead{.readable_once = true};
  PIPELOOM_TRY(proto::BlockReader reader, proto::BlockReader::open(path));
  FileHead head = {.gzipped = reader.gzipped(), .empty = std::filesystem::file_size(path, none) == 0};
  while (head.text.size() < kMostBytes && reader.Peek() != '\0') head.text += reader.Take();
  if (head.text.empty() && !reader.problem().empty()) {
    return fail(ErrorCode::kIo, fmt::format("can't read {}: {}", path, reader.problem()));
  }
  return head;
}

}  // namespace pipeloom::planner
