#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "backend/device/model/gpu_trainer.h"
#include "core/tasks/plan.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {

// One rank of one replica with its trainer, in memory of the device under test.
struct DeviceRank {
  DeviceRank(const Plan& plan, const TaskGraph& graph, backend::RunRank number, const backend::TextTokens& text,
             const backend::TrainingOptions& options, backend::ProductRunner& products)
      : program(plan.schedule, graph, number.pipeline_rank),
        trainer(plan, program, number, text, options, products),
        memory(trainer.memory_bytes()) {
    // NaN everywhere: what is read before it is written shows.
    const std::vector<std::byte> ones(static_cast<size_t>(memory.size_bytes()), std::byte{0xff});
    copy_to_device(memory.data(), ones.data(), memory.size_bytes());
    trainer.use(memory.data());
    upload(trainer.initial());
    trainer.prepare(device_stream());
    if (plan.job.ema_decay > 0) averages = trainer.make_averages();
    for (const backend::RankTask& task : program.tasks()) tasks[task.number] = &task;
  }
  void update_averages() {
    std::vector<float> weights(static_cast<size_t>(averages->numbers()));
    for (const backend::GpuAverages::Copy& copy : averages->copies(weights.data())) {
      copy_from_device(copy.to, copy.from, copy.count * int64_t{sizeof(float)});
    }
    averages->update(weights.data());
  }
  static void upload(const std::vector<backend::GpuUpload>& uploads) {
    for (const backend::GpuUpload& one : uploads)
      copy_to_device(one.to, one.from.data(), static_cast<int64_t>(one.from.size()));
  }

  backend::RankProgram program;
  backend::GpuTrainer trainer;
  DeviceMemory memory;
  std::unique_ptr<backend::GpuAverages> averages;      // where the job has them
  std::map<uint32_t, const backend::RankTask*> tasks;  // by number in the graph
};

}  // namespace pipeloom::tests
