#include "core/schedule/placement.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <tuple>

namespace pipeloom {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"linear", "looped", "v", "wave", "bidirectional"};

Status check_size(int ranks, int64_t stages) {
  if (ranks < 1 || ranks > Placement::kMaxRanks) {
    return invalid(fmt::format("ranks is {}; allowed are 1 to {}", ranks, Placement::kMaxRanks));
  }
  if (stages > Placement::kMaxStages) {
    return invalid(fmt::format("the placement has {} stages; at most {} are allowed", stages, Placement::kMaxStages));
  }
  return {};
}

}  // namespace

std::string_view placement_name(PlacementKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

Result<PlacementKind> placement_kind_from_name(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<PlacementKind>(i);
  }
  return invalid(
      fmt::format("placement \"{}\" is unknown; allowed are linear, looped, v, wave and bidirectional", name));
}

Placement::Placement(PlacementKind kind, int ranks, int stages, int pipes, std::vector<uint16_t> rank_of)
    : kind_(kind), ranks_(ranks), stages_(stages), pipes_(pipes), rank_of_(std::move(rank_of)) {
  std::vector<std::vector<Chunk>> held(ranks);
  for (int pipe = 0; pipe < pipes; ++pipe) {
    for (int stage = 0; stage < stages; ++stage) held[this->rank_of(pipe, stage)].push_back({pipe, stage});
  }
  for (const auto& chunks : held) chunks_.insert(chunks_.end(), chunks.begin(), chunks.end());

  std::map<std::tuple<int, int, Direction>, int> numbers;
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    auto& table = queue_from_[static_cast<size_t>(direction)];
    table.assign(static_cast<size_t>(pipes) * stages, -1);
    const int step = direction == Direction::kForward ? 1 : -1;
    for (int pipe = 0; pipe < pipes; ++pipe) {
      for (int stage = 0; stage < stages; ++stage) {
        const int next = stage + step;
        if (next < 0 || next >= stages) continue;
        const int source = this->rank_of(pipe, stage);
        const int target = this->rank_of(pipe, next);
        if (source == target) continue;
        const auto [entry, added] = numbers.try_emplace({source, target, direction}, static_cast<int>(queues_.size()));
        if (added) queues_.push_back({source, target, direction});
        table[static_cast<size_t>(pipe) * stages + stage] = entry->second;
      }
    }
  }
}

Result<Placement> Placement::linear(int ranks) {
  PIPELOOM_RETURN_IF_ERROR(check_size(ranks, ranks));
  std::vector<uint16_t> rank_of(ranks);
  for (int stage = 0; stage < ranks; ++stage) rank_of[stage] = static_cast<uint16_t>(stage);
  return Placement(PlacementKind::kLinear, ranks, ranks, 1, std::move(rank_of));
}

Result<Placement> Placement::looped(int ranks, int chunks) {
  if (chunks < 1) return invalid(fmt::format("chunks is {}; a looped placement needs at least 1 per rank", chunks));
  PIPELOOM_RETURN_IF_ERROR(check_size(ranks, int64_t{ranks} * chunks));
  const int stages = ranks * chunks;
  std::vector<uint16_t> rank_of(stages);
  for (int stage = 0; stage < stages; ++stage) rank_of[stage] = static_cast<uint16_t>(stage % ranks);
  return Placement(PlacementKind::kLooped, ranks, stages, 1, std::move(rank_of));
}

Result<Placement> Placement::v(int ranks) {
  PIPELOOM_TRY(Placement placement, wave(ranks, 1));
  placement.kind_ = PlacementKind::kV;
  return placement;
}

Result<Placement> Placement::wave(int ranks, int waves) {
  if (waves < 1) return invalid(fmt::format("waves is {}; a wave placement needs at least 1", waves));
  PIPELOOM_RETURN_IF_ERROR(check_size(ranks, int64_t{2} * ranks * waves));
  const int stages = 2 * ranks * waves;
  std::vector<uint16_t> rank_of(stages);
  for (int stage = 0; stage < stages; ++stage) {
    const int within = stage % (2 * ranks);
    rank_of[stage] = static_cast<uint16_t>(within < ranks ? within : 2 * ranks - 1 - within);
  }
  return Placement(PlacementKind::kWave, ranks, stages, 1, std::move(rank_of));
}

Result<Placement> Placement::bidirectional(int ranks, int pairs) {
  PIPELOOM_RETURN_IF_ERROR(check_size(ranks, ranks));
  if (ranks % 2 != 0) {
    return invalid(fmt::format("ranks is {}; a bidirectional placement needs an even number", ranks));
  }
  if (pairs < 1 || ranks % (2 * pairs) != 0) {
    return invalid(
        fmt::format("{} pairs of pipes over {} ranks: ranks must be a multiple of twice the pairs", pairs, ranks));
  }
  std::vector<uint16_t> rank_of;
  rank_of.reserve(static_cast<size_t>(2) * pairs * ranks);
  for (int pipe = 0; pipe < 2 * pairs; ++pipe) {
    const int shift = (pipe % pairs) * (ranks / pairs);
    for (int stage = 0; stage < ranks; ++stage) {
      const int position = pipe < pairs ? stage : ranks - 1 - stage;
      rank_of.push_back(static_cast<uint16_t>((position + shift) % ranks));
    }
  }
  return Placement(PlacementKind::kBidirectional, ranks, ranks, 2 * pairs, std::move(rank_of));
}

bool Placement::ends_share_a_rank() const {
  for (int pipe = 0; pipe < pipes(); ++pipe) {
    const auto chunks = chunks_of(rank_of(pipe, stages() - 1));
    if (std::none_of(chunks.begin(), chunks.end(), [](const Chunk& chunk) { return chunk.stage == 0; })) return false;
  }
  return true;
}

}  // namespace pipeloom
