#include "proto/megatron/stage_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/megatron/layout_string.h"

namespace pipeloom::proto {

namespace {

Status check_multiple(std::string_view what, int64_t value, int64_t unit, std::string_view of) {
  if (unit >= 1 && value >= 0 && value % unit == 0) return {};
  return invalid(fmt::format("{} is {}; it must be a multiple of {} ({})", what, value, of, unit));
}

// Layers of each rank: evenly, but for the first and the last where they are given. Embedding and loss may count as a
// layer each.
Result<std::vector<int>> layers_per_rank(ArgumentOptions& options, int layers, int ranks) {
  const auto size = static_cast<size_t>(ranks);
  const int first = options.number_or("decoder-first-pipeline-num-layers", -1);
  const int last = options.number_or("decoder-last-pipeline-num-layers", -1);
  if (first < 0 && last < 0) {
    const int embedding = options.flag("account-for-embedding-in-pipeline-split") ? 1 : 0;
    const int loss = options.flag("account-for-loss-in-pipeline-split") ? 1 : 0;
    PIPELOOM_RETURN_IF_ERROR(check_multiple("--num-layers (with embedding and loss where they count)",
                                            layers + embedding + loss, ranks, "--pipeline-model-parallel-size"));
    return std::vector<int>(size, (layers + embedding + loss) / ranks);
  }
  const int between = ranks - (first >= 0 ? 1 : 0) - (last >= 0 ? 1 : 0);
  const int left = layers - std::max(first, 0) - std::max(last, 0);
  if (between > 0)
    PIPELOOM_RETURN_IF_ERROR(check_multiple("the number of layers between the ends", left, between, "ranks"));
  std::vector<int> counts(size, between > 0 ? left / between : 0);
  if (first >= 0) counts.front() = first;
  if (last >= 0) counts.back() = last;
  return counts;
}

// Stages on each rank; 1: plain 1F1B.
Result<int> virtual_stages(ArgumentOptions& options, int layers, int ranks) {
  const int stages = options.number_or("num-virtual-stages-per-pipeline-rank", 0);
  const int per_stage = options.number_or("num-layers-per-virtual-pipeline-stage", 0);
  if (stages > 0 && per_stage > 0) {
    return invalid("--num-virtual-stages-per-pipeline-rank and --num-layers-per-virtual-pipeline-stage are both given");
  }
  if (stages > layers) {
    return invalid(fmt::format("--num-virtual-stages-per-pipeline-rank is {}; allowed are 1 to {} (--num-layers)",
                               stages, layers));
  }
  if (per_stage == 0) return std::max(stages, 1);
  PIPELOOM_RETURN_IF_ERROR(check_multiple("--num-layers", layers, int64_t{ranks} * per_stage,
                                          "ranks * --num-layers-per-virtual-pipeline-stage"));
  return layers / ranks / per_stage;
}

Result<std::vector<int>> counted_stages(ArgumentOptions& options, int layers, int ranks) {
  PIPELOOM_TRY(const int chunks, virtual_stages(options, layers, ranks));
  PIPELOOM_TRY(const std::vector<int> counts, layers_per_rank(options, layers, ranks));
  std::vector<int> stages;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    for (const int count : counts) {
      PIPELOOM_RETURN_IF_ERROR(check_multiple("the number of layers of a rank", count, chunks, "its virtual stages"));
      stages.push_back(count / chunks);
    }
  }
  if (options.flag("account-for-embedding-in-pipeline-split")) --stages.front();
  if (options.flag("account-for-loss-in-pipeline-split")) --stages.back();
  return stages;
}

Result<std::vector<int>> written_stages(ArgumentOptions& options, const Model& model, std::vector<std::string>* notes) {
  const std::string layout = options.text_or("pipeline-model-parallel-layout", "");
  auto stages = parse_megatron_layout(layout);
  if (!stages)
    return invalid(fmt::format("--pipeline-model-parallel-layout is {}; {}", layout, stages.error().message));
  const int last = static_cast<int>(stages->layers_per_stage.size()) - 1;
  if (model.mtp_depth > 0 && stages->mtp_depth != model.mtp_depth) {
    return invalid(fmt::format("--pipeline-model-parallel-layout has {} m; --mtp-num-layers is {}", stages->mtp_depth,
                               model.mtp_depth));
  }
  if (stages->mtp_depth > 0 && stages->mtp_stage != last) {
    notes->push_back(fmt::format("multi-token prediction is in stage {}; it is planned beside the loss, in stage {}",
                                 stages->mtp_stage, last));
  }
  return std::move(stages->layers_per_stage);
}

}  // namespace

Result<MegatronPipeline> pipeline_from_arguments(ArgumentOptions& options, const Model& model, int ranks) {
  MegatronPipeline pipeline;
  const bool written = options.flag("pipeline-model-parallel-layout");
  auto stages =
      written ? written_stages(options, model, &pipeline.notes) : counted_stages(options, model.layers, ranks);
  if (!stages) return tl::unexpected(stages.error());
  pipeline.layers_per_stage = *std::move(stages);
  const auto count = static_cast<int64_t>(pipeline.layers_per_stage.size());
  PIPELOOM_RETURN_IF_ERROR(check_multiple("the number of stages", count, ranks, "--pipeline-model-parallel-size"));
  const int chunks = static_cast<int>(count / ranks);
  const bool overlapped = options.flag("overlap-moe-expert-parallel-comm");
  const bool apart = options.flag("no-overlap-p2p-communication");
  if (chunks == 1) {
    pipeline.schedule.name = "1f1b";
    if (ranks > 1) pipeline.p2p = P2pMode::kBlocking;
    if (overlapped && ranks > 1) {
      return invalid("--overlap-moe-expert-parallel-comm needs virtual stages where there are several ranks");
    }
    return pipeline;
  }
  pipeline.schedule.name = overlapped ? "interleaved-1f1b-moe-overlap" : "interleaved-1f1b";
  pipeline.schedule.chunks = chunks;
  pipeline.schedule.group = options.number_or("microbatch-group-size-per-virtual-pipeline-stage", 0);
  if (apart) pipeline.p2p = P2pMode::kBlocking;
  return pipeline;
}

}  // namespace pipeloom::proto
