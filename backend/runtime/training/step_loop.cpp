#include "backend/runtime/training/step_loop.h"

namespace pipeloom::backend {

namespace {

constexpr int64_t kMeetingPatience = 2;  // times the patience of a run

// Adds the means of the step's losses over all ranks to `result`.
Status add_losses(const Job& job, const StepLosses& losses, Meeting& meeting, StepsResult& result) {
  PIPELOOM_TRY(const double sum, meeting.sum_losses(losses.main));
  result.losses.push_back(sum * part_shape(job, 0).loss_scale);
  if (job.model->mtp_depth == 0) return {};
  PIPELOOM_TRY(const double mtp_sum, meeting.sum_losses(losses.mtp));
  result.mtp_losses.push_back(mtp_sum * mtp_loss_scale(job));
  return {};
}

}  // namespace

std::map<int64_t, double> of_whole_batch(const std::map<int, double>& losses, int replica, int micro_batches) {
  std::map<int64_t, double> result;
  for (const auto& [micro_batch, loss] : losses) result[int64_t{replica} * micro_batches + micro_batch] = loss;
  return result;
}

int64_t meeting_patience_ns(const StepOptions& options) {
  return kMeetingPatience * options.patience_ns;
}

Result<StepsResult> run_steps(const Job& job, const StepOptions& options, Meeting& meeting,
                              CheckpointKeeper& checkpoints, StepRunner& runner) {
  StepsResult result;
  PIPELOOM_TRY(const int64_t done, checkpoints.begin());
  for (int64_t step = done; step < options.steps; ++step) {
    PIPELOOM_TRY(const Meeting::StepBegin begin, meeting.meet_for_step(options.wants_stop && options.wants_stop()));
    if (begin.stop != 0) {
      PIPELOOM_TRY(const bool saved, checkpoints.save(step));
      if (options.on_stop) options.on_stop(step, saved);
      break;
    }
    result.begin_ns = begin.time_ns;
    PIPELOOM_TRY(const int64_t device_ns, runner.run_step(step));
    const std::optional<StepLosses> losses = runner.losses();
    if (losses) {
      PIPELOOM_RETURN_IF_ERROR(add_losses(job, *losses, meeting, result));
      // The same on all ranks.
      PIPELOOM_RETURN_IF_ERROR(check_finite(step, result.losses.back(), last_of(result.mtp_losses)));
    }
    if (meeting.rank() == 0 && options.on_step) {
      const int64_t time_ns = device_ns > 0 ? device_ns : steady_now_ns() - result.begin_ns;
      options.on_step({step, losses ? result.losses.back() : 0, time_ns, last_of(result.mtp_losses)});
    }
    PIPELOOM_RETURN_IF_ERROR(checkpoints.step_ended(step + 1));
  }
  return result;
}

}  // namespace pipeloom::backend
