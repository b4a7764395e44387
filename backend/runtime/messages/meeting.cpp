#include "backend/runtime/messages/meeting.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/runtime/messages/collect.h"
#include "backend/runtime/messages/parameters_digest.h"

namespace pipeloom::backend {

namespace {

// Of one expert; they come layer by layer, in the order of the experts.
struct LoadOf {
  int64_t layer = 0;
  int64_t tokens = 0;
};

struct LossOf {
  int64_t micro_batch = 0;
  double loss = 0;
};

}  // namespace

Result<std::vector<std::vector<std::byte>>> Meeting::collect_bytes(const char* what, std::vector<std::byte> bytes) {
  return collect(endpoint_, {number_++, what, patience_ns_}, std::move(bytes));
}

Result<std::vector<std::byte>> Meeting::spread_bytes(const char* what, std::vector<std::byte> bytes) {
  return spread(endpoint_, {number_++, what, patience_ns_}, std::move(bytes));
}

Status Meeting::agree(const std::vector<Fact>& own) {
  const std::string text = text_of(own);
  PIPELOOM_TRY(const auto all, collect_bytes("what it was started with", bytes_of_values<char>(text)));
  std::string lists;
  for (size_t rank = 1; rank < all.size(); ++rank) {
    const std::vector<char> found_text = values_of_bytes<char>(all[rank]);
    PIPELOOM_TRY(const std::vector<Fact> found, facts_of({found_text.data(), found_text.size()}));
    const std::string list = differences(found, own);
    if (!list.empty()) lists += fmt::format("{}rank {} was started with {}", lists.empty() ? "" : "; ", rank, list);
  }
  if (lists.empty()) return {};
  return invalid(lists + ", as rank 0 was: start all ranks with the same program, plan, text and options");
}

Result<int64_t> Meeting::of_rank_0(int64_t own) {
  PIPELOOM_TRY(const auto bytes, spread_bytes("a number", bytes_of_value(own)));
  return values_of_bytes<int64_t>(bytes).at(0);
}

Result<int64_t> Meeting::meet() {
  PIPELOOM_RETURN_IF_ERROR(collect_bytes("the end of the step before", {}));
  PIPELOOM_TRY(const auto bytes, spread_bytes("the start of the step", bytes_of_value(steady_now_ns())));
  return values_of_bytes<int64_t>(bytes).at(0);
}

Result<Meeting::StepBegin> Meeting::meet_for_step(bool wants_stop) {
  PIPELOOM_TRY(const auto all,
               collect_bytes("the end of the step before", bytes_of_value(int64_t{wants_stop ? 1 : 0})));
  StepBegin begin{steady_now_ns(), 0};
  for (const std::vector<std::byte>& bytes : all) begin.stop |= values_of_bytes<int64_t>(bytes).at(0);
  PIPELOOM_TRY(const auto bytes, spread_bytes("the start of the step", bytes_of_value(begin)));
  return values_of_bytes<StepBegin>(bytes).at(0);
}

Result<double> Meeting::sum_losses(const std::map<int64_t, double>& losses) {
  std::vector<LossOf> own;
  for (const auto& [micro_batch, loss] : losses) own.push_back({micro_batch, loss});
  PIPELOOM_TRY(const auto all, collect_bytes("the losses of the step", bytes_of_values<LossOf>(own)));
  std::map<int64_t, double> ordered;
  for (const std::vector<std::byte>& bytes : all) {
    for (const LossOf& entry : values_of_bytes<LossOf>(bytes)) ordered[entry.micro_batch] = entry.loss;
  }
  double sum = 0;
  for (const auto& [micro_batch, loss] : ordered) sum += loss;
  PIPELOOM_TRY(const auto bytes, spread_bytes("the loss of the step", bytes_of_value(sum)));
  return values_of_bytes<double>(bytes).at(0);
}

Result<ClockReading> Meeting::read_clock() {
  const int64_t number = number_;
  number_ += 2;
  return pipeloom::backend::read_clock(endpoint_, number, clock_of_this_machine(), patience_ns_);
}

Result<int64_t> Meeting::largest(int64_t own) {
  PIPELOOM_TRY(const auto all, collect_bytes("the error of its clock", bytes_of_value(own)));
  int64_t largest = 0;
  for (const std::vector<std::byte>& bytes : all) largest = std::max(largest, values_of_bytes<int64_t>(bytes).at(0));
  return largest;
}

Result<uint64_t> Meeting::sum(uint64_t own) {
  PIPELOOM_TRY(const auto all, collect_bytes("the digest of its moving averages", bytes_of_value(own)));
  uint64_t sum = 0;
  for (const std::vector<std::byte>& bytes : all) sum += values_of_bytes<uint64_t>(bytes).at(0);
  return sum;
}

Result<std::vector<ExpertLoad>> Meeting::expert_loads(const ExpertCounts& own) {
  std::vector<LoadOf> loads;
  for (const auto& [layer, tokens] : own) {
    for (const int64_t count : tokens) loads.push_back({layer, count});
  }
  PIPELOOM_TRY(const auto all, collect_bytes("the loads of its experts", bytes_of_values<LoadOf>(loads)));
  ExpertCounts sums;
  for (const std::vector<std::byte>& bytes : all) {
    std::map<int64_t, size_t> next;  // expert, by layer
    for (const LoadOf& load : values_of_bytes<LoadOf>(bytes)) {
      std::vector<int64_t>& tokens = sums[static_cast<int>(load.layer)];
      const size_t expert = next[load.layer]++;
      if (tokens.size() <= expert) tokens.resize(expert + 1);
      tokens[expert] += load.tokens;
    }
  }
  return loads_of(sums);
}

Result<std::vector<Span>> Meeting::spans(const std::vector<Span>& own) {
  PIPELOOM_TRY(const auto all, collect_bytes("the trace", bytes_of_values<Span>(own)));
  std::vector<Span> spans;
  for (const std::vector<std::byte>& bytes : all) {
    const std::vector<Span> part = values_of_bytes<Span>(bytes);
    spans.insert(spans.end(), part.begin(), part.end());
  }
  return spans;
}

Result<uint64_t> Meeting::digest(const std::map<std::string, std::vector<float>>& own) {
  PIPELOOM_TRY(const auto all,
               collect_bytes("the digest of its parameters", bytes_of_values<ParameterDigest>(digests_of(own))));
  std::map<uint64_t, uint64_t> merged;  // numbers by name
  for (size_t rank = 0; rank < all.size(); ++rank) {
    for (const ParameterDigest& entry : values_of_bytes<ParameterDigest>(all[rank])) {
      const auto [place, is_new] = merged.emplace(entry.name, entry.numbers);
      if (is_new || place->second == entry.numbers) continue;
      return invalid(fmt::format("rank {} has another copy of a parameter than the ranks before it", rank));
    }
  }
  std::vector<ParameterDigest> digests;
  for (const auto& [name, numbers] : merged) digests.push_back({name, numbers});
  return all.empty() ? 0 : combined(std::move(digests));
}

}  // namespace pipeloom::backend
