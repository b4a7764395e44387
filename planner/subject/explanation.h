#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/schedule/idle.h"
#include "core/schedule/messages.h"
#include "planner/subject/subject.h"
#include "sim/report/hand_over.h"

namespace pipeloom::planner {

// Explains why a subject's step takes as long as it does: every bubble with its cause, the critical path, slack, and
// what each wait waits for, also in words. Keeps a reference: the subject must outlive it. Const methods may run
// concurrently.
class Explanation {
 public:
  explicit Explanation(const Subject& subject);
  Explanation(const Explanation&) = delete;

  const Subject& subject() const { return subject_; }
  const MessageTable& messages() const { return messages_; }
  const sim::HandOvers& hand_overs() const { return hand_overs_; }
  const std::vector<IdleInterval>& idle() const { return idle_; }  // sorted by rank, then time
  std::vector<IdleInterval> largest_idle(size_t count) const;
  const std::vector<uint32_t>& path() const { return path_; }  // slots
  int64_t slack_ns(uint32_t slot) const { return slack_ns_[slot]; }

  std::optional<uint32_t> running(int rank, int64_t time_ns) const;
  const IdleInterval* idle_at(int rank, int64_t time_ns) const;  // null: the rank is busy
  // Returns the slot that this slot waited for after its rank was free; nothing if it started at once.
  std::optional<uint32_t> waited_for(uint32_t slot) const;

  std::string time(int64_t ns) const { return time_text(subject_.job, ns); }
  std::string name(uint32_t slot) const;      // "F3 of stage 1 on rank 1"
  std::string describe(uint32_t slot) const;  // with its times
  std::string describe(const IdleInterval& interval) const;

 private:
  const Subject& subject_;
  const Schedule& schedule_;
  const Timeline& timeline_;
  const MessageTable messages_;
  const sim::HandOvers hand_overs_;
  const std::vector<IdleInterval> idle_;
  const std::vector<uint32_t> path_;
  const std::vector<int64_t> slack_ns_;
};

}  // namespace pipeloom::planner
