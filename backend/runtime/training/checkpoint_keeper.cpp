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

}  // namespace

Result<int64_t> last_checkpoint(CheckpointStore& store) {
  PIPELOOM_TRY(const auto last, store.read(kLastCheckpoint));
  return last ? parse_steps(*last) : Result<int64_t>(0);
}

Result<int64_t> CheckpointKeeper::resume(const std::vector<std::unique_ptr<ChunkRun>>& chunks) {
  if (options_.store == nullptr || !options_.resume) return 0;
  PIPELOOM_TRY(last_, last_checkpoint(*options_.store));
  if (last_ == 0) return 0;
  const std::string name = checkpoint_name(last_, identity_.rank);
  PIPELOOM_TRY(const auto content, options_.store->read(name));
  if (!content) return fail(ErrorCode::kNotFound, fmt::format("checkpoint {} is missing", name));
  const Status status = read_checkpoint(*content, identity_, last_, chunks);
  if (!status) return fail(status.error().code, fmt::format("checkpoint {}: {}", name, status.error().message));
  return last_;
}

Status CheckpointKeeper::step_ended(int64_t steps, const std::vector<std::unique_ptr<ChunkRun>>& chunks) {
  if (options_.store == nullptr || options_.every == 0 || steps % options_.every != 0) return {};
  heartbeat_.works_on("writing a checkpoint", steady_now_ns());
  const Status written =
      options_.store->write(checkpoint_name(steps, identity_.rank), write_checkpoint(identity_, steps, chunks));
  heartbeat_.waits();
  PIPELOOM_RETURN_IF_ERROR(written);
  PIPELOOM_RETURN_IF_ERROR(meeting_.meet());  // all parts are there
  if (identity_.rank == 0) PIPELOOM_RETURN_IF_ERROR(options_.store->write(kLastCheckpoint, std::to_string(steps)));
  PIPELOOM_RETURN_IF_ERROR(meeting_.meet());  // it counts
  if (last_ > 0 && last_ != steps) options_.store->remove(checkpoint_name(last_, identity_.rank));
  last_ = steps;
  return {};
}

}  // namespace pipeloom::backend
