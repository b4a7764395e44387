#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backend/model/training.h"
#include "backend/runtime/messages/clock.h"
#include "backend/runtime/messages/facts.h"
#include "backend/transport/endpoint.h"
#include "core/tasks/trace.h"

namespace pipeloom::backend {

// Where all ranks of a run come together. Every rank calls the same methods in the same order.
class Meeting {
 public:
  Meeting(Endpoint& endpoint, int64_t patience_ns) : endpoint_(endpoint), patience_ns_(patience_ns) {}

  int rank() const { return endpoint_.rank(); }
  int ranks() const { return endpoint_.ranks(); }

  // Fails on all where a rank has other facts than rank 0, and names rank and facts.
  Status agree(const std::vector<Fact>& own);
  // The number that rank 0 has, on all.
  Result<int64_t> of_rank_0(int64_t own);

  // When the last rank is here, the steady time of rank 0: the same number on all.
  Result<int64_t> meet();
  // The same before a step, and whether any rank wishes to stop instead: all do then.
  struct StepBegin {
    int64_t time_ns = 0;  // of rank 0
    int64_t stop = 0;     // not 0: it is not run
  };
  Result<StepBegin> meet_for_step(bool wants_stop);

  // `losses` of this rank by micro-batch of the whole batch. Their sum over all ranks, in the order of the
  // micro-batches.
  Result<double> sum_losses(const std::map<int64_t, double>& losses);

  Result<ClockReading> read_clock();
  // On rank 0 the largest of all ranks' numbers; 0 on the others.
  Result<int64_t> largest(int64_t own);
  // On rank 0 the sum of all ranks' numbers, modulo 2^64; 0 on the others.
  Result<uint64_t> sum(uint64_t own);
  // On rank 0 the loads of all ranks together.
  Result<std::vector<ExpertLoad>> expert_loads(const ExpertCounts& own);
  // On rank 0 the spans of all ranks, rank after rank.
  Result<std::vector<Span>> spans(const std::vector<Span>& own);

  // Of the parameters of all ranks: one number, the same however they are spread; 0 on the other ranks. Fails where two
  // copies differ.
  Result<uint64_t> digest(const std::map<std::string, std::vector<float>>& own);

 private:
  Result<std::vector<std::vector<std::byte>>> collect_bytes(const char* what, std::vector<std::byte> bytes);
  Result<std::vector<std::byte>> spread_bytes(const char* what, std::vector<std::byte> bytes);

  Endpoint& endpoint_;
  int64_t patience_ns_;
  int64_t number_ = 0;
};

}  // namespace pipeloom::backend
