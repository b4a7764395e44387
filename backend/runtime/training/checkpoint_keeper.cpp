#include "backend/runtime/training/checkpoint_keeper.h"

#include <fmt/format.h>

#include <charconv>

namespace pipeloom::backend {

namespace {

Result<int64_t> parse_steps(const std::string& content) {
  int64_t steps = 0;
  const auto [end, error] = std::from_chars(content.data(), content.data() + content.size(), steps);
  if (error == std::errc() && end == content.data() + content.size() && steps > 0) return steps;
  return invalid(fmt::format("checkpoint \"{}\" says \"{}\"; expected is a number of steps", kLastCheckpoint, content));
}

// Returns how many steps the last checkpoint has that counts; 0: there is none.
Result<int64_t> last_checkpoint(CheckpointStore& store) {
  PIPELOOM_TRY(const auto last, store.read(kLastCheckpoint));
  return last ? parse_steps(*last) : Result<int64_t>(0);
}

}  // namespace

Status CheckpointKeeper::take(const KeptRank& rank) const {
  const std::string name = checkpoint_name(last_, rank.number);
  PIPELOOM_TRY(const auto content, options_.store->read(name));
  if (!content) return fail(ErrorCode::kNotFound, fmt::format("checkpoint {} is missing", name));
  const Status status = rank.read(*content, last_);
  if (!status) return fail(status.error().code, fmt::format("checkpoint {}: {}", name, status.error().message));
  return {};
}

Result<int64_t> CheckpointKeeper::resume() {
  if (options_.store == nullptr || !options_.resume) return 0;
  PIPELOOM_TRY(last_, last_checkpoint(*options_.store));
  if (last_ == 0) return 0;
  for (const KeptRank& rank : ranks_) PIPELOOM_RETURN_IF_ERROR(take(rank));
  return last_;
}

Status CheckpointKeeper::write_parts(int64_t steps) const {
  for (const KeptRank& rank : ranks_) {
    PIPELOOM_RETURN_IF_ERROR(options_.store->write(checkpoint_name(steps, rank.number), rank.write(steps)));
  }
  return {};
}

Status CheckpointKeeper::step_ended(int64_t steps) {
  if (options_.store == nullptr || options_.every == 0 || steps % options_.every != 0) return {};
  heartbeat_.works_on("writing a checkpoint", steady_now_ns());
  const Status written = write_parts(steps);
  heartbeat_.waits();
  PIPELOOM_RETURN_IF_ERROR(written);
  PIPELOOM_RETURN_IF_ERROR(meeting_.meet());  // all parts are there
  if (meeting_.rank() == 0) PIPELOOM_RETURN_IF_ERROR(options_.store->write(kLastCheckpoint, std::to_string(steps)));
  PIPELOOM_RETURN_IF_ERROR(meeting_.meet());  // it counts
  for (const KeptRank& rank : ranks_) {
    if (last_ > 0 && last_ != steps) options_.store->remove(checkpoint_name(last_, rank.number));
  }
  last_ = steps;
  return {};
}

}  // namespace pipeloom::backend
