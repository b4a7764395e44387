#include "planner/schedules/interleaving.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::planner {

namespace {

// True if Megatron-LM allows the group: a last, smaller group must still fill the pipeline.
bool megatron_allows(const PipelineShape& shape, int group) {
  const int rest = shape.micro_batches % group;
  return group >= shape.ranks && group <= shape.micro_batches && (rest == 0 || rest >= shape.ranks);
}

Result<int> explicit_group(const PipelineShape& shape) {
  const auto& [ranks, micro_batches, chunks, group, pipe_pairs, waves] = shape;
  if (megatron_allows(shape, group)) return group;
  if (micro_batches < ranks) {
    return unsupported(fmt::format("group is {}; with fewer micro_batches ({}) than ranks ({}) only 0 is allowed",
                                   group, micro_batches, ranks));
  }
  if (group < ranks || group > micro_batches) {
    return unsupported(
        fmt::format("group is {}; allowed are {} (ranks) to {} (micro_batches)", group, ranks, micro_batches));
  }
  return unsupported(fmt::format(
      "group is {}, which leaves {} of {} micro_batches for the last group; allowed are 0 or at least {} (ranks)",
      group, micro_batches % group, micro_batches, ranks));
}

int default_group(const PipelineShape& shape) {
  const int rounds = std::max(1, shape.micro_batches / shape.ranks);
  if (shape.micro_batches % rounds == 0) return shape.micro_batches / rounds;
  int group = shape.ranks;
  while (!megatron_allows(shape, group)) ++group;  // micro_batches itself is allowed
  return group;
}

}  // namespace

Result<Interleaving> Interleaving::create(const PipelineShape& shape, int chunks) {
  if (shape.group == 0) return Interleaving(shape, chunks, default_group(shape));
  PIPELOOM_TRY(const int group, explicit_group(shape));
  return Interleaving(shape, chunks, group);
}

Interleaving::Interleaving(const PipelineShape& shape, int chunks, int group)
    : ranks_(shape.ranks), chunks_(chunks), group_(group) {
  visits_.reserve(static_cast<size_t>(shape.micro_batches) * chunks);
  for (int begin = 0; begin < shape.micro_batches; begin += group) {
    const int end = std::min(begin + group, shape.micro_batches);
    for (int chunk = 0; chunk < chunks; ++chunk) {
      for (int m = begin; m < end; ++m) visits_.push_back({chunk, m});
    }
  }
}

}  // namespace pipeloom::planner
