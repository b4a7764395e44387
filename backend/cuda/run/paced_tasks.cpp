#include "backend/cuda/run/paced_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/run/occupy.h"

namespace pipeloom::backend {

PacedTasks::PacedTasks(const TaskGraph& graph, const LaunchProgram& program, const SmContexts& contexts)
    : graph_(graph), program_(program), contexts_(contexts) {
  const size_t bytes = sizeof(uint32_t) * kWords * 2 * contexts.partition().ranks;
  PIPELOOM_CUDA_CHECK(cudaMalloc(reinterpret_cast<void**>(&seen_), bytes));
  PIPELOOM_CUDA_CHECK(cudaMemset(seen_, 0, bytes));
  // The call has not waited for it, and the step's streams don't wait for the default one.
  PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
}

PacedTasks::~PacedTasks() {
  cudaFree(seen_);
}

size_t PacedTasks::partition_of(const LaunchStream& stream) const {
  const bool apart = contexts_.partition().comm_sms > 0;
  return 2 * static_cast<size_t>(stream.rank) + (apart && stream.lane != Lane::kCompute ? 1 : 0);
}

void PacedTasks::occupy_host(const SmStream& place, int64_t duration_ns) {
  host_times_.emplace_back(duration_ns);
  const auto pass = [](void* time) { std::this_thread::sleep_for(*static_cast<std::chrono::nanoseconds*>(time)); };
  PIPELOOM_CUDA_CHECK(cudaLaunchHostFunc(place.stream, pass, &host_times_.back()));
}

void PacedTasks::run(const Launch& launch, const SmStream& place) {
  int64_t duration_ns = 0;
  for (const uint32_t task : launch.tasks) duration_ns = std::max(duration_ns, graph_.tasks()[task].duration_ns);
  if (duration_ns == 0) return;
  if (program_.streams[launch.stream].lane == Lane::kHost) return occupy_host(place, duration_ns);
  occupy(place, duration_ns, seen_ + kWords * partition_of(program_.streams[launch.stream]));
}

std::vector<SeenSms> PacedTasks::census() const {
  const SmPartition& partition = contexts_.partition();
  std::vector<uint32_t> words(static_cast<size_t>(kWords) * 2 * partition.ranks);
  PIPELOOM_CUDA_CHECK(cudaMemcpy(words.data(), seen_, sizeof(uint32_t) * words.size(), cudaMemcpyDeviceToHost));
  std::vector<SeenSms> result;
  for (int rank = 0; rank < partition.ranks; ++rank) {
    for (const bool communication : {false, true}) {
      if (communication && partition.comm_sms == 0) continue;
      const auto begin = words.begin() + kWords * (2 * rank + (communication ? 1 : 0));
      result.push_back({fmt::format("rank {}, {}", rank, communication ? "communication" : "computation"),
                        contexts_.sms(rank, communication),
                        {begin, begin + kWords}});
    }
  }
  return result;
}

}  // namespace pipeloom::backend
