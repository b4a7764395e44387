#include "backend/runtime/training/plan_limits.h"

#include <algorithm>

#include "backend/model/kept.h"
#include "backend/model/training.h"
#include "backend/runtime/messages/parameters_digest.h"
#include "backend/runtime/program/replicas.h"
#include "core/tasks/trace.h"

namespace pipeloom::backend {

namespace {

// Sums, losses, clocks, and what the ranks agree on at the start.
constexpr uint64_t kFewBytes = 1 << 16;

struct StageNumbers {
  uint64_t numbers = 0;     // weights of the stage
  uint64_t parameters = 0;  // named tensors of them
};

StageNumbers stage_numbers(const Plan& plan, int stage) {
  const PartShape shape = part_shape(plan.job, 0);
  const Stage<float> maths(
      *plan.job.model, plan.costs.programs[stage], shape, arithmetic_for(shape.formats, false),
      borrows_token_table(plan, stage) ? Stage<float>::Tokens::kBorrowed : Stage<float>::Tokens::kOwn);
  return {static_cast<uint64_t>(maths.size()), maths.parameters().size()};
}

// A package: how many rows for each expert, and for each row its token, its weight and its numbers.
uint64_t package_bytes(const Job& job) {
  if (!job.model->moe) return 0;
  const Formats formats = formats_of(job);
  const int64_t rows = job.batch.tokens() * job.model->moe->experts_per_token;
  const int64_t numbers = std::max(packed_bytes(formats.dispatch, rows, job.model->hidden),
                                   packed_bytes(formats.combine, rows, job.model->hidden));
  constexpr int64_t kWord = 4;
  return static_cast<uint64_t>(numbers + kWord * (job.model->moe->routed_experts + 2 + 2 * rows));
}

// What rank 0 collects: spans, losses, and of each rank the digests of its parameters and the loads of its experts.
uint64_t control_bytes(const Plan& plan, const TaskGraph& graph, uint64_t parameters) {
  constexpr uint64_t kPair = 16;  // bytes of a loss or a load, and what it is of
  const uint64_t spans = graph.tasks().size() * sizeof(Span);
  const uint64_t losses = static_cast<uint64_t>(plan.job.micro_batches) * kPair;
  const uint64_t digests = parameters * sizeof(ParameterDigest);
  uint64_t loads = 0;
  if (plan.job.model && plan.job.model->moe) {
    const int64_t layers = int64_t{plan.job.model->layers} + plan.job.model->mtp_depth;
    loads = static_cast<uint64_t>(layers * plan.job.model->moe->routed_experts) * kPair;
  }
  return kFewBytes + std::max({spans, losses, digests, loads});
}

}  // namespace

MessageLimits plan_limits(const Plan& plan, const TaskGraph& graph, bool trains) {
  MessageLimits limits;
  const auto limit = [&](Channel channel) -> uint64_t& { return limits.bytes[static_cast<size_t>(channel)]; };
  StageNumbers all;
  uint64_t largest = 0;
  for (int stage = 0; trains && stage < plan.schedule.stages(); ++stage) {
    const StageNumbers numbers = stage_numbers(plan, stage);
    all.parameters += numbers.parameters;
    largest = std::max(largest, numbers.numbers);
  }
  if (trains) {
    const auto hidden =
        static_cast<uint64_t>(packed_bytes(formats_of(plan.job).rest, plan.job.batch.tokens(), plan.job.model->hidden));
    limit(Channel::kForward) = limit(Channel::kBackward) = hidden;
    limit(Channel::kExpert) = package_bytes(plan.job);
    limit(Channel::kReduction) = kFewBytes + largest * sizeof(int64_t);  // sums in fixed point are the widest
  }
  limit(Channel::kControl) = control_bytes(plan, graph, all.parameters);
  return limits;
}

}  // namespace pipeloom::backend
