#include "backend/cuda/run/gpu_checkpoints.h"

#include <fmt/format.h>

#include <string>

#include "backend/runtime/training/checkpoint_keeper.h"

namespace pipeloom::backend {

Result<int64_t> GpuCheckpoints::resume() {
  if (options_.store == nullptr || !options_.resume) return 0;
  PIPELOOM_TRY(last_, last_checkpoint(*options_.store));
  for (const Rank& rank : ranks_) {
    if (last_ > 0) PIPELOOM_RETURN_IF_ERROR(restore(last_, rank));
  }
  return last_;
}

Status GpuCheckpoints::restore(int64_t steps, const Rank& rank) {
  const int number = rank.rank.number(run_.plan.job.layout.pipeline);
  const std::string name = checkpoint_name(steps, number);
  PIPELOOM_TRY(const auto content, options_.store->read(name));
  if (!content) return fail(ErrorCode::kNotFound, fmt::format("checkpoint {} is missing", name));
  const TaskLauncher::HostChunks chunks = rank.launcher.host_chunks();
  const Status status = read_checkpoint(*content, run_.launchers.identity(number), steps, chunks);
  if (!status) return fail(status.error().code, fmt::format("checkpoint {}: {}", name, status.error().message));
  rank.launcher.restore(chunks);
  return {};
}

Status GpuCheckpoints::write(int64_t steps, const Rank& rank) {
  const int number = rank.rank.number(run_.plan.job.layout.pipeline);
  TaskLauncher::HostChunks chunks = rank.launcher.host_chunks();
  rank.launcher.save(chunks);
  return options_.store->write(checkpoint_name(steps, number),
                               write_checkpoint(run_.launchers.identity(number), steps, chunks));
}

Status GpuCheckpoints::meet() {
  return meeting_ == nullptr ? Status{} : meeting_->meet().map([](int64_t) {});
}

Status GpuCheckpoints::step_ended(int64_t steps) {
  if (options_.store == nullptr || options_.every == 0 || steps % options_.every != 0) return {};
  for (const Rank& rank : ranks_) PIPELOOM_RETURN_IF_ERROR(write(steps, rank));
  PIPELOOM_RETURN_IF_ERROR(meet());  // all parts are there
  const auto number_of = [&](const Rank& rank) { return rank.rank.number(run_.plan.job.layout.pipeline); };
  if (number_of(ranks_[0]) == 0)
    PIPELOOM_RETURN_IF_ERROR(options_.store->write(kLastCheckpoint, std::to_string(steps)));
  PIPELOOM_RETURN_IF_ERROR(meet());  // it counts
  for (const Rank& rank : ranks_) {
    if (last_ > 0 && last_ != steps) options_.store->remove(checkpoint_name(last_, number_of(rank)));
  }
  last_ = steps;
  return {};
}

}  // namespace pipeloom::backend
