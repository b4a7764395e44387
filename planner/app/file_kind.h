#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace pipeloom::planner {

// What the programs open.
enum class FileKind : uint8_t {
  kJob,
  kPlan,
  kTrace,
  kProfile,      // a run that PyTorch's profiler saw
  kSchedule,     // the CSV that torch.distributed.pipelining writes
  kLaunch,       // what starts Megatron-LM
  kModelConfig,  // a HuggingFace config.json
};
inline constexpr std::initializer_list<FileKind> kAllFileKinds = {
    FileKind::kJob,      FileKind::kPlan,   FileKind::kTrace,      FileKind::kProfile,
    FileKind::kSchedule, FileKind::kLaunch, FileKind::kModelConfig};
// Those that hold something to look at. A launch or a model's config has to become a job first.
inline constexpr std::initializer_list<FileKind> kOpenedKinds = {FileKind::kJob, FileKind::kPlan, FileKind::kSchedule,
                                                                 FileKind::kTrace, FileKind::kProfile};

// "a job".
std::string_view file_kind_name(FileKind kind);
// "a job (.txtpb, .json)".
std::string described(FileKind kind);
// "a job (.txtpb, .json) or a plan (.plan)".
std::string described(std::initializer_list<FileKind> kinds);

// How names of its files end, the usual ending first. Plans and traces may have any name.
std::span<const std::string_view> file_endings(FileKind kind);
bool has_ending_of(std::string_view path, FileKind kind);

}  // namespace pipeloom::planner
