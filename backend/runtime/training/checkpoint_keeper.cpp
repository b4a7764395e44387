#include "backend/runtime/training/checkpoint_keeper.h"

#include <fmt/format.h>

#include <algorithm>
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

// On rank 0: takes the store for this run. Returns how many steps the checkpoint has to go on from.
Result<int64_t> CheckpointKeeper::claim() {
  PIPELOOM_RETURN_IF_ERROR(options_.store->lock());
  PIPELOOM_TRY(const int64_t last, last_checkpoint(*options_.store));
  if (last > 0 && !options_.resume && !options_.overwrite) {
    return invalid(
        fmt::format("the folder of checkpoints has one after {} steps: --resume goes on from it, "
                    "--overwrite removes it",
                    last));
  }
  if (last > 0 && options_.overwrite) options_.store->remove(kLastCheckpoint);
  PIPELOOM_TRY(const std::vector<std::string> names, options_.store->names());
  for (const std::string& name : names) {
    const auto part = checkpoint_part(name);
    // Parts after the last checkpoint are of one that some rank has not finished.
    if (part && (!options_.resume || part->steps > last)) options_.store->remove(name);
  }
  return options_.resume ? last : 0;
}

// Steps of the checkpoints whose part this process has, the last one at the end.
Result<std::vector<int64_t>> CheckpointKeeper::own_checkpoints() const {
  std::vector<int64_t> steps;
  PIPELOOM_TRY(const std::vector<std::string> names, options_.store->names());
  for (const std::string& name : names) {
    const auto part = checkpoint_part(name);
    if (part && part->rank == ranks_.front().number && part->steps <= last_) steps.push_back(part->steps);
  }
  std::ranges::sort(steps);
  return steps;
}

Result<int64_t> CheckpointKeeper::begin() {
  if (options_.store == nullptr) return 0;
  if (meeting_.rank() == 0) {
    PIPELOOM_TRY(last_, claim());
  }
  PIPELOOM_TRY(last_, meeting_.of_rank_0(last_));
  if (last_ == 0) return 0;
  for (const KeptRank& rank : ranks_) PIPELOOM_RETURN_IF_ERROR(take(rank));
  PIPELOOM_TRY(kept_, own_checkpoints());
  return last_;
}

Status CheckpointKeeper::write_parts(int64_t steps) const {
  for (const KeptRank& rank : ranks_) {
    PIPELOOM_TRY(const std::string content, rank.write(steps));
    PIPELOOM_RETURN_IF_ERROR(options_.store->write(checkpoint_name(steps, rank.number), content));
  }
  return {};
}

Status CheckpointKeeper::step_ended(int64_t steps) {
  if (options_.store == nullptr || options_.every == 0 || steps % options_.every != 0) return {};
  return save(steps).map([](bool) {});
}

Result<bool> CheckpointKeeper::save(int64_t steps) {
  if (options_.store == nullptr) return false;
  if (steps == last_) return steps > 0;
  heartbeat_.works_on("writing a checkpoint", steady_now_ns());
  const Status written = write_parts(steps);
  heartbeat_.waits();
  PIPELOOM_RETURN_IF_ERROR(written);
  PIPELOOM_RETURN_IF_ERROR(meeting_.meet());  // all parts are there
  if (meeting_.rank() == 0) PIPELOOM_RETURN_IF_ERROR(options_.store->write(kLastCheckpoint, std::to_string(steps)));
  PIPELOOM_RETURN_IF_ERROR(meeting_.meet());  // it counts
  last_ = steps;
  kept_.push_back(steps);
  while (kept_.size() > static_cast<size_t>(options_.keep)) {
    for (const KeptRank& rank : ranks_) options_.store->remove(checkpoint_name(kept_.front(), rank.number));
    kept_.erase(kept_.begin());
  }
  return true;
}

}  // namespace pipeloom::backend
