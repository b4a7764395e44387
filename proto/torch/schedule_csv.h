#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/placement.h"
#include "core/schedule/schedule.h"

namespace pipeloom::proto {

// PyTorch's pipeline schedules as CSV: a row per rank, no header, a cell per action (torch.distributed.pipelining,
// _PipelineScheduleRuntime._load_csv).
enum class TorchCsvFormat {
  kComputeOnly,   // passes alone, which PyTorch completes; what torchtitan's pipeline_parallel_schedule_csv takes
  kComputeComms,  // complete: with sends, receives, UNSHARD, RESHARD and REDUCE_GRAD, placed as PyTorch does
};

// Refuses a schedule that holds a stage more than once: PyTorch has one rank for each stage.
Result<std::string> schedule_to_torch_csv(const Schedule& schedule, TorchCsvFormat format);

// A file of either format, told apart by its sends and receives, checked as every schedule is; with sends and
// receives, those too. `path` is for messages, which give line and column of a bad cell. When sends and receives go
// with blocking P2P (Slot::send_later, receive_early) is not in such a file.
Result<Schedule> parse_torch_csv(std::string_view path, std::string_view csv);

// A cell that is a pass or an overlapped pair, as in "0F0"; nothing for anything else.
std::optional<Slot> parse_torch_pass(std::string_view cell);

// The placement that puts stage s on rank rank_of[s].
Result<Placement> placement_of(const std::vector<int>& rank_of, int ranks);

}  // namespace pipeloom::proto
