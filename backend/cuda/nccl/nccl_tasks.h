#pragma once

#include <map>
#include <vector>

#include "backend/cuda/nccl/nccl_world.h"
#include "backend/device/program/launch_program.h"
#include "backend/device/run/task_launcher.h"
#include "backend/runtime/program/rank_program.h"
#include "backend/runtime/program/replicas.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// What launches do where each rank has a GPU of its own: NCCL sends, receives, exchanges and reduces, on the stream of
// the launch. A batch is one NCCL group. What goes wrong is thrown. Never run on more than one GPU.
class NcclTasks {
 public:
  // All arguments outlive it.
  NcclTasks(const Plan& plan, const RankProgram& program, RunRank rank, TaskLauncher& launcher, NcclWorld& world);

  // Before the first step, every rank together: a first exchange on each communicator, in the order of the plan of
  // communicators. NCCL connects then, which waits for the peer on the host; later calls don't.
  void connect(cudaStream_t stream);

  void run(const Launch& launch, const SmStream& place);

 private:
  void transfer(const Launch& launch, const SmStream& place);
  void component(const RankTask& task, const SmStream& place);
  void reduce(const RankTask& reduction, const SmStream& place);
  void reduce_parts(const DeviceBytes& from, const DeviceBytes& to, const ReductionGroup& group, const SmStream& place);
  void clip(const SmStream& place);
  void hand_out(const SmStream& place);
  ncclComm_t communicator_of(const ReductionGroup& group) const;
  int edge_of(const RankTask& transfer) const;
  void wait(ncclComm_t communicator, const char* what);

  const Plan& plan_;
  RunRank rank_;
  TaskLauncher& launcher_;
  NcclWorld& world_;
  std::map<uint32_t, const RankTask*> tasks_;  // by RankTask::number
};

}  // namespace pipeloom::backend
