#pragma once

#include <cstdint>
#include <vector>

#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::sim {

// How much longer than planned each task of one step takes, [replica][task] in 2^-16 as ReplicaRuns has it, if
// durations scatter as the job's variation says: components by jitter and their rank's, experts and their all-to-all by
// what is routed to them besides. The replicas share out the GPUs of an expert-parallel group evenly, and each goes at
// the pace of the fullest of its own. Empty where nothing scatters.
std::vector<uint32_t> task_scatter(const Job& job, const Schedule& schedule, const TaskGraph& graph, int replicas,
                                   uint64_t seed, uint64_t step);

}  // namespace pipeloom::sim
