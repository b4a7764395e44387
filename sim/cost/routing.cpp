#include "sim/cost/routing.h"

#include <algorithm>

namespace pipeloom::sim {

double expected_distinct(double bins, double per_bin, int draws) {
  const double balls = bins * per_bin;
  double missed = 1;  // probability that one bin is hit by no draw
  for (int draw = 0; draw < draws && missed > 0; ++draw) {
    missed *= std::max(0.0, (balls - per_bin - draw) / (balls - draw));
  }
  return bins * (1 - missed);
}

// A token first chooses its groups, then its experts among theirs (DeepSeek-V3, arXiv 2412.19437, section 2.1.2).
// Groups are chosen because they hold high scores, so nearly all of them get an expert: nodes per token is the number
// of nodes that the chosen groups lie on. A Monte Carlo of that router gives 3.97 of 4 (docs/research/costs.md, section
// 1).
Routing make_routing(const MoeShape& moe, const Group& experts) {
  Routing routing;
  routing.gpus = static_cast<int>(experts.members);
  routing.nodes = static_cast<int>((experts.members + experts.per_node - 1) / experts.per_node);
  const double reachable_share = static_cast<double>(moe.groups_per_token) / moe.groups;
  const double experts_per_gpu = static_cast<double>(moe.routed_experts) / routing.gpus;
  const double reachable_gpus = std::max(1.0, reachable_share * routing.gpus);
  routing.gpus_per_token = expected_distinct(reachable_gpus, experts_per_gpu, moe.experts_per_token);

  const double experts_per_node = static_cast<double>(moe.routed_experts) / routing.nodes;
  const double by_experts = expected_distinct(routing.nodes, experts_per_node, moe.experts_per_token);
  const double groups_per_node = std::max(1.0, static_cast<double>(moe.groups) / routing.nodes);
  const double nodes_per_group = std::max(1.0, static_cast<double>(routing.nodes) / moe.groups);
  const double by_groups = moe.groups == 1 ? routing.nodes
                                           : nodes_per_group * expected_distinct(routing.nodes / nodes_per_group,
                                                                                 groups_per_node, moe.groups_per_token);
  routing.nodes_per_token = moe.groups == 1 ? by_experts : std::min<double>(moe.experts_per_token, by_groups);
  return routing;
}

}  // namespace pipeloom::sim
