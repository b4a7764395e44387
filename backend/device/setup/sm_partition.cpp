#include "backend/device/setup/sm_partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

namespace pipeloom::backend {

namespace {

// The split into units of `unit`, if it gives every rank its SMs and something to compute on.
std::optional<SmPartition> with_unit(const SmRules& rules, int ranks, int comm_sms, int unit, bool large_clusters) {
  const int units = rules.sms / unit;
  const int remainder = rules.sms - units * unit;
  SmPartition partition{.ranks = ranks, .comm_sms = comm_sms, .unit = unit, .large_clusters = large_clusters};
  if (comm_sms % unit != 0) {
    // What no unit is made of: with the units that computation leaves.
    if (ranks > 1 || (comm_sms - remainder) % unit != 0 || comm_sms < remainder) return std::nullopt;
    partition.comm_from_remainder = true;
    partition.compute_sms = rules.sms - comm_sms;
    return partition;
  }
  const int compute_units = units / ranks - comm_sms / unit;
  if (compute_units < 1) return std::nullopt;
  partition.compute_sms = compute_units * unit;
  partition.unused_sms = rules.sms - ranks * (partition.compute_sms + comm_sms);
  return partition;
}

std::optional<SmPartition> find_partition(const SmRules& rules, int ranks, int comm_sms) {
  if (comm_sms >= rules.sms) return std::nullopt;
  if (ranks == 1 && comm_sms == 0) return SmPartition{.compute_sms = rules.sms};
  if (const auto partition = with_unit(rules, ranks, comm_sms, rules.unit, true)) return partition;
  // Without clusters: the largest unit that wastes least.
  std::optional<SmPartition> best;
  for (int unit = rules.unit - rules.unit_without_clusters; unit > 0; unit -= rules.unit_without_clusters) {
    const auto partition = with_unit(rules, ranks, comm_sms, unit, false);
    if (partition && (!best || partition->unused_sms < best->unused_sms)) best = partition;
  }
  return best;
}

std::string possible(const SmRules& rules, int ranks, int comm_sms) {
  std::vector<int> below;
  std::vector<int> above;
  for (int sms = 1; sms < rules.sms / ranks; ++sms) {
    if (find_partition(rules, ranks, sms)) (sms < comm_sms ? below : above).push_back(sms);
  }
  std::vector<int> near;
  if (!below.empty()) near.push_back(below.back());
  if (!above.empty()) near.push_back(above.front());
  std::string text;
  for (const int sms : near) {
    text += fmt::format("{}{} (and {} for computation)", text.empty() ? "" : " or ", sms,
                        find_partition(rules, ranks, sms)->compute_sms);
  }
  return text.empty() ? "no number of SMs; fewer ranks" : text;
}

}  // namespace

std::string describe(const SmPartition& partition) {
  if (partition.unit == 0) return fmt::format("1 rank x {} SMs, not split", partition.compute_sms);
  return fmt::format("{} rank{} x ({} + {}) SMs, units of {}{}, {} SMs unused", partition.ranks,
                     partition.ranks == 1 ? "" : "s", partition.compute_sms, partition.comm_sms, partition.unit,
                     partition.large_clusters ? "" : " without large clusters", partition.unused_sms);
}

Result<SmPartition> plan_sm_partition(const SmRules& rules, int ranks, int comm_sms) {
  if (ranks < 1) return invalid(fmt::format("{} ranks on a GPU: there must be one at least", ranks));
  if (comm_sms < 0) return invalid(fmt::format("comm_sms is {}: 0 or more are allowed", comm_sms));
  if (const auto partition = find_partition(rules, ranks, comm_sms)) return *partition;
  return unsupported(
      fmt::format("{} SMs can't be split into {} x {} for communication and an equal number each for "
                  "computation: comm_sms may be {}",
                  rules.sms, ranks, comm_sms, possible(rules, ranks, comm_sms)));
}

int nccl_ctas(int sms, int communicators) {
  const int each = sms / std::max(communicators, 1);
  return static_cast<int>(std::bit_floor(static_cast<unsigned>(std::clamp(each, 1, 32))));
}

}  // namespace pipeloom::backend
