#include "planner/app/kind_of_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "planner/app/file_head.h"
#include "planner/app/json_keys.h"
#include "proto/base/version.h"

namespace pipeloom::planner {

namespace {

// Outer keys that only files of one kind have.
constexpr std::string_view kProfileKeys[] = {"traceEvents", "deviceProperties", "distributedInfo", "schemaVersion"};
constexpr std::string_view kGzipEnding = ".gz";
constexpr std::string_view kConfigKeys[] = {"model_type", "architectures"};
constexpr std::string_view kJobKeys[] = {"layout",        "cluster", "costs", "batch", "model", "huggingface_config",
                                         "micro_batches", "schedule"};

template <size_t N>
bool has_any(const std::vector<std::string_view>& keys, const std::string_view (&wanted)[N]) {
  return std::ranges::find_first_of(keys, wanted) != keys.end();
}

std::optional<FileKind> kind_of_json(const JsonBegin& begin) {
  if (begin.list || has_any(begin.keys, kProfileKeys)) return FileKind::kProfile;
  if (has_any(begin.keys, kConfigKeys)) return FileKind::kModelConfig;
  if (has_any(begin.keys, kJobKeys)) return FileKind::kJob;
  return std::nullopt;
}

std::optional<FileKind> kind_by_content(std::string_view text) {
  const std::string_view own = proto::kind_of(text);
  if (own == proto::kPlanKind) return FileKind::kPlan;
  if (own == proto::kTraceKind) return FileKind::kTrace;
  if (text.starts_with("#!")) return FileKind::kLaunch;
  return kind_of_json(begin_of_json(text));
}

// Picks the first kind whose names end so. Several kinds share .json; the expected ones go first.
std::optional<FileKind> kind_by_name(std::string_view path, std::initializer_list<FileKind> expected) {
  for (const auto& kinds : {expected, kAllFileKinds}) {
    for (const FileKind kind : kinds) {
      if (has_ending_of(path, kind)) return kind;
    }
  }
  return std::nullopt;
}

// A pipe has no name. Plans and traces need none: picks the first of these that is expected.
std::optional<FileKind> kind_of_pipe(std::initializer_list<FileKind> expected) {
  for (const FileKind kind : {FileKind::kPlan, FileKind::kTrace}) {
    if (std::ranges::find(expected, kind) != expected.end()) return kind;
  }
  return std::nullopt;
}

Status check_readable(const std::string& path, FileKind kind, const FileHead& head) {
  const std::string_view name = file_kind_name(kind);
  if (head.gzipped && kind != FileKind::kProfile) {
    return unsupported(
        fmt::format("{} is {}, gzipped; allowed are gzipped profiles alone: unpack it with gunzip", path, name));
  }
  const bool json = begin_of_json(head.text).json();
  if (json && kind == FileKind::kJob && !path.ends_with(".json")) {
    return invalid(fmt::format("{} is a job written as JSON; the name of such a file ends in .json", path));
  }
  return {};
}

// Refuses a launch or a model's config, which has to become a job first, with what to do.
tl::unexpected<Error> not_yet_a_job(const std::string& path, FileKind kind) {
  if (kind == FileKind::kLaunch) {
    return unsupported(fmt::format(
        "{0}: of a launch of Megatron-LM make a job first, which says on which GPUs: pipeloom import {0} --gpu H100 -o "
        "mine.txtpb",
        path));
  }
  return unsupported(fmt::format(
      "{0} is a HuggingFace config, a model alone; name it in a job, which says on which GPUs and how much at once, as "
      "samples/tiny-moe.txtpb does: huggingface_config: \"{0}\"",
      path));
}

}  // namespace

Result<FileKind> kind_of_file(const std::string& path, std::initializer_list<FileKind> expected) {
  PIPELOOM_TRY(const FileHead head, read_file_head(path));
  if (head.empty) {
    return invalid(fmt::format("{} is empty; expected {}", path, described(expected)));
  }
  std::optional<FileKind> kind = kind_by_content(head.text);
  if (!kind) kind = kind_by_name(path, expected);
  if (!kind && head.gzipped && path.ends_with(kGzipEnding)) {
    kind = kind_by_name(std::string_view(path).substr(0, path.size() - kGzipEnding.size()), expected);
  }
  if (!kind && head.readable_once) kind = kind_of_pipe(expected);
  if (!kind) return unsupported(fmt::format("{}: unknown kind of file; expected {}", path, described(expected)));
  PIPELOOM_RETURN_IF_ERROR(check_readable(path, *kind, head));
  if (std::ranges::find(expected, *kind) != expected.end()) return *kind;
  if (*kind == FileKind::kLaunch || *kind == FileKind::kModelConfig) return not_yet_a_job(path, *kind);
  return invalid(fmt::format("{} is {}; expected {}", path, file_kind_name(*kind), described(expected)));
}

}  // namespace pipeloom::planner
