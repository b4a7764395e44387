#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <vector>

#include "backend/cuda/green/sm_contexts.h"
#include "backend/device/program/launch_program.h"
#include "backend/device/run/task_launcher.h"
#include "backend/device/setup/sm_census.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::backend {

// What launches do in a paced run: all SMs of the stream are kept busy for the planned time of the task, from when it
// really starts; a task of the host's lane keeps a thread of CUDA's waiting. Of a batch the longest. Notes which SMs
// kernels were seen on.
class PacedTasks {
 public:
  // All arguments outlive it.
  PacedTasks(const TaskGraph& graph, const LaunchProgram& program, const SmContexts& contexts);
  ~PacedTasks();
  PacedTasks(const PacedTasks&) = delete;
  PacedTasks& operator=(const PacedTasks&) = delete;

  void run(const Launch& launch, const SmStream& place);
  // After a step: of every partition that something ran on.
  std::vector<SeenSms> census() const;

 private:
  static constexpr int kWords = 8;  // 256 SMs
  void occupy_host(const SmStream& place, int64_t duration_ns);
  size_t partition_of(const LaunchStream& stream) const;

  const TaskGraph& graph_;
  const LaunchProgram& program_;
  const SmContexts& contexts_;
  std::list<std::chrono::nanoseconds> host_times_;  // of tasks that a replayed graph may run again
  uint32_t* seen_ = nullptr;                        // on the device: [rank][computation, communication][word]
};

}  // namespace pipeloom::backend
