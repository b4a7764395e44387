#include "backend/runtime/messages/clock.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "backend/runtime/messages/collect.h"
#include "backend/runtime/messages/gather.h"
#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

constexpr int kQuestions = 32;  // the fastest answer counts

MessageTag tag_of(int64_t number, int question) {
  return {static_cast<int32_t>(number), 0, question, 0};
}

// Rank 0: asks nothing and answers what `rank` asks.
Status answer(Endpoint& endpoint, int64_t number, const SteadyClock& clock, int rank, int64_t patience_ns) {
  for (int question = 0; question < kQuestions; ++question) {
    Gather asked;
    asked.expect(rank, Channel::kControl, tag_of(number, question));
    PIPELOOM_RETURN_IF_ERROR(asked.wait(endpoint, patience_ns, "a question about the time"));
    const int64_t now_ns = clock.now_ns();
    endpoint.send(rank, Channel::kControl, {tag_of(number, question), 0, bytes_of_value(now_ns)});
  }
  return {};
}

Result<ClockReading> ask(Endpoint& endpoint, int64_t number, const SteadyClock& clock, int64_t patience_ns) {
  ClockReading best{.error_ns = INT64_MAX};
  for (int question = 0; question < kQuestions; ++question) {
    Gather answered;
    const int64_t before_ns = clock.now_ns();
    endpoint.send(0, Channel::kControl, {tag_of(number, question), 0, {}});
    answered.expect(0, Channel::kControl, tag_of(number, question));
    PIPELOOM_RETURN_IF_ERROR(answered.wait(endpoint, patience_ns, "the time"));
    const int64_t after_ns = clock.now_ns();
    const int64_t error_ns = (after_ns - before_ns + 1) / 2;
    if (error_ns >= best.error_ns) continue;
    const int64_t middle_ns = before_ns + (after_ns - before_ns) / 2;
    best = {middle_ns, values_of_bytes<int64_t>(answered.message(0).bytes).at(0) - middle_ns, error_ns};
  }
  return best;
}

}  // namespace

SteadyClock clock_of_this_machine() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  file >> boot;
  Digest digest;
  digest.add_bytes(boot);
  return {digest.value(), steady_now_ns};
}

Result<ClockReading> read_clock(Endpoint& endpoint, int64_t number, const SteadyClock& clock, int64_t patience_ns) {
  const ClockReading same{.at_ns = clock.now_ns()};
  const Appointment appointment{number, "the name of its machine", patience_ns};
  PIPELOOM_TRY(const auto all, collect(endpoint, appointment, bytes_of_value(clock.machine)));
  PIPELOOM_TRY(const auto first, spread(endpoint, appointment, bytes_of_value(clock.machine)));
  if (endpoint.rank() != 0) {
    if (values_of_bytes<uint64_t>(first).at(0) == clock.machine) return same;
    return ask(endpoint, number + 1, clock, patience_ns);
  }
  for (int rank = 1; rank < endpoint.ranks(); ++rank) {
    if (values_of_bytes<uint64_t>(all[rank]).at(0) == clock.machine) continue;
    PIPELOOM_RETURN_IF_ERROR(answer(endpoint, number + 1, clock, rank, patience_ns));
  }
  return same;
}

int64_t ClockLine::of_rank_0(int64_t own_ns) const {
  const int64_t between_ns = last_.at_ns - first_.at_ns;
  if (between_ns <= 0) return own_ns + first_.ahead_ns;
  const double share = static_cast<double>(own_ns - first_.at_ns) / static_cast<double>(between_ns);
  const auto drift_ns = static_cast<double>(last_.ahead_ns - first_.ahead_ns);
  return own_ns + first_.ahead_ns + static_cast<int64_t>(share * drift_ns);
}

}  // namespace pipeloom::backend
