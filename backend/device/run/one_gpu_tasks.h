#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "backend/device/program/launch_program.h"
#include "backend/device/run/launched_run.h"
#include "backend/device/run/task_launcher.h"
#include "backend/runtime/program/rank_program.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// What launches do where all ranks of a replica share one GPU: a send copies from the memory of its rank into that of
// the receiver, a member of a gradient reduction adds up its part of all copies, an optimizer puts what it made into
// all of them. Nothing waits on the device: the launch program orders everything.
class OneGpuTasks {
 public:
  // Moves a message.
  using Move = std::function<void(const RankTask& send, DeviceBytes from, DeviceBytes to, const SmStream& place)>;

  // All arguments outlive it. `ranks`: [rank]. REQUIRES: one replica, as many ranks as the plan has.
  OneGpuTasks(const Plan& plan, const LaunchProgram& program, std::vector<LaunchedRank>& ranks, Move move);

  void run(const Launch& launch, const SmStream& place);

 private:
  const RankTask& task(uint32_t number) const { return *tasks_[number]; }
  TaskLauncher& launcher(int rank) const { return *ranks_[rank].launcher; }
  void send(const RankTask& send, const SmStream& place);
  TaskLauncher::Gradients gradients_of(int rank, int stage);
  void reduce(const RankTask& reduction, const SmStream& place);
  void reduce_tokens(int rank, const TaskLauncher::Gradients& own, const SmStream& place);
  void clip(TaskLauncher& launcher, const SmStream& place);
  void hand_out(int rank, const SmStream& place);

  const Plan& plan_;
  std::vector<LaunchedRank>& ranks_;
  Move move_;
  std::vector<const RankTask*> tasks_;     // [task]
  std::vector<const RankTask*> receiver_;  // [task] of a send: the receive of its message
};

// Launches a component or the moving averages of a rank that is alone in its EP group: an exchange stays in the rank.
void launch_alone(TaskLauncher& launcher, const RankTask& task, const SmStream& place);

}  // namespace pipeloom::backend
