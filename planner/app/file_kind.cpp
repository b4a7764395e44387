#include "planner/app/file_kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

namespace pipeloom::planner {

namespace {

constexpr size_t kMostEndings = 3;

struct KindRow {
  FileKind kind;
  std::string_view name;
  std::array<std::string_view, kMostEndings> endings;  // the rest is empty
};

constexpr KindRow kKinds[] = {
    {FileKind::kJob, "a job", {".txtpb", ".json"}},
    {FileKind::kPlan, "a plan", {".plan"}},
    {FileKind::kTrace, "a trace", {".trace"}},
    {FileKind::kProfile, "a profile of PyTorch", {".json", ".json.gz"}},
    {FileKind::kSchedule, "a schedule of PyTorch", {".csv"}},
    {FileKind::kLaunch, "what starts Megatron-LM", {".sh", ".txt", ".args"}},
    {FileKind::kModelConfig, "a HuggingFace config", {".json"}},
};

const KindRow& row_of(FileKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

}  // namespace

std::string_view file_kind_name(FileKind kind) {
  return row_of(kind).name;
}

std::span<const std::string_view> file_endings(FileKind kind) {
  const auto& endings = row_of(kind).endings;
  const auto count = std::ranges::find(endings, std::string_view()) - endings.begin();
  return std::span(endings).first(static_cast<size_t>(count));
}

bool has_ending_of(std::string_view path, FileKind kind) {
  return std::ranges::any_of(file_endings(kind), [&](std::string_view ending) { return path.ends_with(ending); });
}

std::string described(FileKind kind) {
  return fmt::format("{} ({})", file_kind_name(kind), fmt::join(file_endings(kind), ", "));
}

std::string described(std::initializer_list<FileKind> kinds) {
  std::string text;
  size_t left = kinds.size();
  for (const FileKind kind : kinds) {
    text += described(kind);
    --left;
    if (left > 0) text += left == 1 ? " or " : ", ";
  }
  return text;
}

}  // namespace pipeloom::planner
