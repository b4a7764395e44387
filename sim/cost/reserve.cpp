#include "core/job/job.h"
#include "sim/cost/memory_model.h"
#include "sim/cost/training_memory.h"

namespace pipeloom::sim {

// Without software all figures are our estimates but for the layer that is rebuilt.
Reserve memory_reserve(const Job& job) {
  if (job.software) return training_reserve(job);
  Reserve reserve;
  reserve.runtime_bytes = 800'000'000;                                      // CUDA context and libraries
  reserve.communication_bytes = 400'000'000;                                // NCCL's channels
  if (job.layout.expert > 1) reserve.communication_bytes += 1'000'000'000;  // DeepEP's NVLink and RDMA buffers
  reserve.workspace_bytes = 300'000'000;                                    // of products
  reserve.fragmentation_bytes = 500'000'000;                                // blocks that the allocator can't use
  if (job.recompute != Recompute::kFull) return reserve;
  // Full recomputation rebuilds one layer at a time.
  Job rebuilt = job;
  rebuilt.recompute = Recompute::kNone;
  reserve.workspace_bytes += layer_activation_bytes(rebuilt, job.model->layers - 1);
  return reserve;
}

}  // namespace pipeloom::sim
