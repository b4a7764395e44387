#include "planner/schedules/frameworks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace pipeloom::planner {

namespace {

using Names = std::initializer_list<std::string_view>;

Status check_name(std::string_view title, Names known, const NamedSchedule& named) {
  if (std::ranges::find(known, named.name) != known.end()) return {};
  return unsupported(fmt::format("{} has no such schedule; it has {}", title, fmt::join(known, ", ")));
}

constexpr std::string_view kInterleaved = "interleaved-1f1b";
constexpr std::string_view kCombined = "interleaved-1f1b-moe-overlap";

// megatron/core/pipeline_parallel/schedules.py: interleaved micro-batches go in groups of as many as there are ranks.
Status check_megatron_schedule(const Job& job, const NamedSchedule& named) {
  PIPELOOM_RETURN_IF_ERROR(check_name("Megatron-LM", {"1f1b", kInterleaved, kCombined}, named));
  const bool interleaved = named.name != "1f1b";
  const int ranks = job.layout.pipeline;
  if (interleaved && ranks == 1) return unsupported("Megatron-LM interleaves from 2 ranks on");
  if (interleaved && job.micro_batches % ranks != 0) {
    return unsupported(fmt::format("Megatron-LM interleaves multiples of the ranks ({}); there are {} micro-batches",
                                   ranks, job.micro_batches));
  }
  return {};
}

// megatron/core/transformer/transformer_config.py: the combined 1F1B hides experts' all-to-all, with virtual stages.
Status check_megatron_overlap(const Job& job, const NamedSchedule& named) {
  const bool asked_for = job.software && job.software->overlap_experts && job.layout.pipeline > 1;
  if (asked_for == (named.name == kCombined)) return {};
  return unsupported(asked_for ? "software.overlap_experts needs Megatron-LM's interleaved-1f1b-moe-overlap"
                               : "Megatron-LM runs it with software.overlap_experts alone");
}

// The same: heads and groups of keys divide among tensor-parallel GPUs; experts need sequence parallelism there.
Status check_megatron_model(const Job& job) {
  if (!job.model) return {};
  const int tensor = job.layout.tensor;
  const int groups = job.model->attention.kv_heads;
  if (!job.model->attention.is_mla() && groups % tensor != 0 && tensor % groups != 0) {
    return unsupported(
        fmt::format("Megatron-LM needs layout.tensor ({}) and attention.kv_heads ({}) to divide one by "
                    "the other",
                    tensor, groups));
  }
  if (job.model->moe && tensor > 1 && !job.layout.sequence_parallel) {
    return unsupported("Megatron-LM needs layout.sequence_parallel where experts meet tensor parallelism");
  }
  if (job.layout.context > 1 && job.batch.sequence_length % (2 * job.layout.context) != 0) {
    return unsupported("Megatron-LM needs batch.sequence_length to be a multiple of 2 * layout.context");
  }
  return {};
}

Status check_megatron(const Job& job, const NamedSchedule& named) {
  PIPELOOM_RETURN_IF_ERROR(check_megatron_schedule(job, named));
  PIPELOOM_RETURN_IF_ERROR(check_megatron_overlap(job, named));
  return check_megatron_model(job);
}

// torch/distributed/pipelining/schedules.py; torchtitan takes a schedule by its name there.
Status check_torchtitan(const Job&, const NamedSchedule& named) {
  return check_name("torchtitan",
                    {"gpipe", "1f1b", "looped-bfs", kInterleaved, "interleaved-zb", "zb-v-pytorch", "dualpipev"},
                    named);
}

Status check_pipeloom(const Job&, const NamedSchedule&) {
  return {};
}

constexpr Framework kFrameworks[] = {
    {"megatron", "Megatron-LM", "1F1B, interleaved 1F1B, and with software.overlap_experts its combined 1F1B",
     "core 0.15 (2025-11); Megatron-Bridge and NeMo run it", check_megatron},
    {"torchtitan", "torchtitan", "the schedules of torch.distributed.pipelining", "PyTorch 2.9 (2025-10)",
     check_torchtitan},
    {"pipeloom", "Pipeloom", "every schedule, and orders that a search finds", "pipeloom-run", check_pipeloom},
};

}  // namespace

std::span<const Framework> frameworks() {
  return kFrameworks;
}

Result<const Framework*> find_framework(std::string_view name) {
  if (name.empty()) return nullptr;
  const auto found = std::ranges::find(kFrameworks, name, &Framework::name);
  if (found != std::end(kFrameworks)) return &*found;
  std::vector<std::string_view> names;
  for (const Framework& known : kFrameworks) names.push_back(known.name);
  return invalid(fmt::format("--for is {}; allowed are {}", name, fmt::join(names, ", ")));
}

}  // namespace pipeloom::planner
