// What is read is a whole job, or an error with words.
#include <cstdlib>

#include "core/job/gpu.h"
#include "proto/job/gpu_files.h"
#include "proto/megatron/job_arguments.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pipeloom;
  using namespace pipeloom::proto;
  static const MegatronMachine machine = [] {
    MegatronMachine machine;
    machine.cluster.gpu = *find_gpu("H100");
    machine.cluster.gpus_per_node = 8;
    machine.cluster.nic_bytes_per_s = 50e9;
    return machine;
  }();
  const auto read = job_from_megatron("fuzz.sh", {reinterpret_cast<const char*>(data), size}, machine, {});
  if (!read) {
    if (read.error().message.empty()) std::abort();
    return 0;
  }
  if (!read->job.model || read->job.layout.layers_per_stage.empty()) std::abort();
  if (!make_job(read->job)) std::abort();
  return 0;
}
