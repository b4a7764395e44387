#include "proto/torch/schedule_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "proto/base/csv.h"
#include "proto/torch/action.h"
#include "proto/torch/communication.h"

namespace pipeloom::proto {

namespace {

using Kind = TorchActionKind;

constexpr int kMaxStages = Placement::kMaxStages;

TorchAction action_of(const Slot& slot) {
  switch (slot.kind) {
    case SlotKind::kF:
      return {Kind::kForward, slot.stage, slot.micro_batch};
    case SlotKind::kB:
      return {Kind::kFullBackward, slot.stage, slot.micro_batch};
    case SlotKind::kI:
      return {Kind::kInputBackward, slot.stage, slot.micro_batch};
    case SlotKind::kW:
      return {Kind::kWeightBackward, slot.stage, slot.micro_batch};
    case SlotKind::kFB:
    case SlotKind::kFI:
      break;
  }
  return {Kind::kOverlap,
          TorchAction::kNone,
          TorchAction::kNone,
          {{Kind::kForward, slot.stage, slot.micro_batch},
           {slot.kind == SlotKind::kFI ? Kind::kInputBackward : Kind::kFullBackward, slot.backward_stage,
            slot.backward_micro_batch}}};
}

std::string csv_of(const TorchRows& rows) {
  std::string csv;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) csv += ',';
      csv += torch_action_text(row[i]);
    }
    csv += "\r\n";
  }
  return csv;
}

// A cell's action and where it stands.
struct PlacedAction {
  TorchAction action;
  size_t cell = 0;
};

struct ParsedRow {
  CsvRow row;
  std::vector<PlacedAction> actions;
};

Result<Slot> slot_of(const TorchAction& action) {
  if (action.kind == Kind::kOverlap) {
    const bool is_pair = action.parts.size() == 2 && action.parts[0].kind == Kind::kForward &&
                         (action.parts[1].kind == Kind::kFullBackward || action.parts[1].kind == Kind::kInputBackward);
    if (!is_pair) {
      return unsupported(
          fmt::format("{}: an overlapped pair is an F and a B or I, in this order", torch_action_text(action)));
    }
    const TorchAction& f = action.parts[0];
    const TorchAction& b = action.parts[1];
    return Slot::pair(f.stage, f.micro_batch, b.stage, b.micro_batch,
                      b.kind == Kind::kInputBackward ? SlotKind::kFI : SlotKind::kFB);
  }
  const SlotKind kind = action.kind == Kind::kForward         ? SlotKind::kF
                        : action.kind == Kind::kFullBackward  ? SlotKind::kB
                        : action.kind == Kind::kInputBackward ? SlotKind::kI
                                                              : SlotKind::kW;
  return Slot::pass(kind, action.stage, action.micro_batch);
}

// Numbers that a schedule can't hold, or that are missing.
Status check_numbers(const TorchAction& action) {
  if (action.kind == Kind::kOverlap) {
    for (const TorchAction& part : action.parts) PIPELOOM_RETURN_IF_ERROR(check_numbers(part));
    return {};
  }
  if (action.stage >= kMaxStages) {
    return invalid(fmt::format("stage is {}; allowed are 0 to {}", action.stage, kMaxStages - 1));
  }
  if (!action.computes() && !action.transfers()) return {};
  if (action.micro_batch == TorchAction::kNone) {
    return invalid(fmt::format("{} names no micro-batch", torch_action_text(action)));
  }
  if (action.micro_batch >= Schedule::kMaxMicroBatches) {
    return invalid(
        fmt::format("micro-batch is {}; allowed are 0 to {}", action.micro_batch, Schedule::kMaxMicroBatches - 1));
  }
  return {};
}

Result<std::vector<ParsedRow>> parse_rows(std::string_view path, std::string_view csv) {
  std::vector<ParsedRow> rows;
  for (CsvRow& row : csv_lines(csv)) {
    ParsedRow parsed;
    for (size_t cell = 0; cell < row.cells.size(); ++cell) {
      auto action = parse_torch_action(row.cells[cell].text);
      if (!action) return bad_cell(path, row, cell, action.error().message);
      if (!*action) continue;
      if (const Status numbers = check_numbers(**action); !numbers) {
        return bad_cell(path, row, cell, numbers.error().message);
      }
      parsed.actions.push_back({std::move(**action), cell});
    }
    parsed.row = std::move(row);
    rows.push_back(std::move(parsed));
  }
  while (!rows.empty() && rows.back().actions.empty()) rows.pop_back();
  if (rows.empty()) return invalid(fmt::format("{}: no actions; expected a row of them for each rank", path));
  return rows;
}

// Where the passes of the file are: how many stages and micro-batches there are, and the rank of each stage.
struct Extent {
  std::vector<int> rank_of;  // [stage]
  int micro_batches = 0;
  int64_t forwards = 0;
};

class ExtentReader {
 public:
  explicit ExtentReader(std::string_view path) : path_(path) {}

  Result<Extent> read(const std::vector<ParsedRow>& rows) {
    for (size_t rank = 0; rank < rows.size(); ++rank) {
      for (const auto& [action, cell] : rows[rank].actions) {
        if (!action.computes()) continue;
        Status added;
        if (action.kind == Kind::kOverlap) {
          for (const TorchAction& part : action.parts) {
            if (added) added = add(static_cast<int>(rank), part);
          }
        } else {
          added = add(static_cast<int>(rank), action);
        }
        if (!added) return bad_cell(path_, rows[rank].row, cell, added.error().message);
      }
    }
    for (size_t stage = 0; stage < extent_.rank_of.size(); ++stage) {
      if (extent_.rank_of[stage] < 0) return invalid(fmt::format("{}: no rank has stage {}", path_, stage));
    }
    return std::move(extent_);
  }

 private:
  Status add(int rank, const TorchAction& pass) {
    const auto stage = static_cast<size_t>(pass.stage);
    if (stage >= extent_.rank_of.size()) extent_.rank_of.resize(stage + 1, -1);
    int& home = extent_.rank_of[stage];
    if (home >= 0 && home != rank) {
      return unsupported(fmt::format("{} is on rank {}, and stage {} on rank {} before; a stage has one rank",
                                     torch_action_text(pass), rank, stage, home));
    }
    home = rank;
    extent_.micro_batches = std::max(extent_.micro_batches, pass.micro_batch + 1);
    if (pass.kind == Kind::kForward) ++extent_.forwards;
    return {};
  }

  std::string_view path_;
  Extent extent_;
};

Result<Schedule> schedule_of(std::string_view path, const std::vector<ParsedRow>& rows, const Extent& extent) {
  const int ranks = static_cast<int>(rows.size());
  // What checks a schedule has a place for every stage and micro-batch; a few cells must not ask for gigabytes.
  constexpr int64_t kSlack = 1 << 20;
  const auto passes = static_cast<int64_t>(extent.rank_of.size()) * extent.micro_batches;
  if (passes > 2 * extent.forwards + kSlack) {
    return invalid(fmt::format("{} stages and {} micro-batches need {} forward passes; there are {}",
                               extent.rank_of.size(), extent.micro_batches, passes, extent.forwards));
  }
  PIPELOOM_TRY(Placement placement, placement_of(extent.rank_of, ranks));
  RankOrders orders(rows.size());
  for (size_t rank = 0; rank < rows.size(); ++rank) {
    for (const auto& [action, cell] : rows[rank].actions) {
      if (!action.computes()) continue;
      const auto slot = slot_of(action);
      if (!slot) return bad_cell(path, rows[rank].row, cell, slot.error().message);
      orders[rank].push_back(*slot);
    }
  }
  return Schedule::create(std::move(placement), extent.micro_batches, orders);
}

Status check_transfers_of(const std::vector<ParsedRow>& parsed, const std::vector<int>& rank_of) {
  TorchRows rows;
  bool transfers = false;
  for (const ParsedRow& row : parsed) {
    rows.emplace_back();
    for (const PlacedAction& placed : row.actions) {
      rows.back().push_back(placed.action);
      transfers |= placed.action.transfers();
    }
  }
  if (!transfers) return {};
  return check_transfers(rows, rank_of);
}

}  // namespace

std::optional<Slot> parse_torch_pass(std::string_view cell) {
  const auto action = parse_torch_action(cell);
  if (!action || !*action || !(*action)->computes() || !check_numbers(**action)) return std::nullopt;
  const auto slot = slot_of(**action);
  return slot ? std::optional(*slot) : std::nullopt;
}

Result<Placement> placement_of(const std::vector<int>& rank_of, int ranks) {
  const auto stages = static_cast<int>(rank_of.size());
  const auto matches = [&](const Result<Placement>& placement) {
    if (!placement || placement->stages() != stages) return false;
    for (int stage = 0; stage < stages; ++stage) {
      if (placement->rank_of(0, stage) != rank_of[stage]) return false;
    }
    return true;
  };
  if (ranks >= 1 && stages % ranks == 0) {
    const int chunks = stages / ranks;
    std::vector<Result<Placement>> known = {Placement::linear(ranks), Placement::v(ranks),
                                            Placement::looped(ranks, chunks)};
    if (chunks % 2 == 0) known.push_back(Placement::wave(ranks, chunks / 2));
    for (Result<Placement>& placement : known) {
      if (matches(placement)) return std::move(placement);
    }
  }
  return unsupported(fmt::format(
      "{} stages are spread over {} ranks in a way that is not known; known are linear (stage s on rank s), looped (on "
      "rank s mod {}), v and wave (down the ranks and back up)",
      stages, ranks, ranks));
}

Result<std::string> schedule_to_torch_csv(const Schedule& schedule, TorchCsvFormat format) {
  if (schedule.placement().pipes() > 1) {
    return unsupported(
        "torch-csv can't express this schedule: it keeps several copies of each stage, and PyTorch has one rank for "
        "each stage; the nearest that it can express is dualpipev");
  }
  TorchRows rows(schedule.ranks());
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    for (const Slot& slot : schedule.slots_of(rank)) rows[rank].push_back(action_of(slot));
  }
  if (format == TorchCsvFormat::kComputeOnly) return csv_of(rows);
  std::vector<int> rank_of;
  for (int stage = 0; stage < schedule.stages(); ++stage) rank_of.push_back(schedule.placement().rank_of(0, stage));
  for (auto& row : rows) row = with_reduce_grad(with_unshard(row), schedule.micro_batches());
  PIPELOOM_TRY(const TorchRows complete, with_transfers(rows, rank_of));
  return csv_of(complete);
}

Result<Schedule> parse_torch_csv(std::string_view path, std::string_view csv) {
  PIPELOOM_TRY(const std::vector<ParsedRow> rows, parse_rows(path, csv));
  PIPELOOM_TRY(const Extent extent, ExtentReader(path).read(rows));
  auto schedule = schedule_of(path, rows, extent);
  if (!schedule) {
    const std::string& message = schedule.error().message;
    return fail(schedule.error().code, message.starts_with(path) ? message : fmt::format("{}: {}", path, message));
  }
  if (const Status checked = check_transfers_of(rows, extent.rank_of); !checked) {
    return fail(checked.error().code, fmt::format("{}: {}", path, checked.error().message));
  }
  return schedule;
}

}  // namespace pipeloom::proto
