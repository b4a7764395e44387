#pragma once

#include <cstdint>
#include <vector>

#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::sim {

// Returns by what factor each task of one step takes longer than planned, [replica][task] in 2^-16 as
// ReplicaRuns::scale. Components scatter by jitter and by their rank; experts and their all-to-all also by the tokens
// routed to them. The replicas divide the GPUs of an expert-parallel group evenly, and each runs at the pace of its
// fullest GPU. Empty if nothing scatters.
std::vector<uint32_t> task_scatter(const Job& job, const Schedule& schedule, const TaskGraph& graph, int replicas,
                                   uint64_t seed, uint64_t step);

}  // namespace pipeloom::sim
