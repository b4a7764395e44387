// Launches of kernels and of functions of the host.
#include <cuda_runtime_api.h>

#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "backend/cuda/cuda_check.h"
#include "tests/backend/cuda/emulation/kernel.h"
#include "tests/backend/cuda/emulation/runtime/streams.h"

namespace pipeloom::emulation {

namespace {

// Limits of an SM of compute capability 9.0 (CUDA programming guide, technical specifications).
constexpr size_t kSharedUnasked = size_t{48} << 10;
constexpr size_t kSharedMost = size_t{227} << 10;
constexpr unsigned kThreadsOfBlock = 1024;
constexpr unsigned kThreadsOfSm = 2048;
constexpr int64_t kLaunchNs = 2000;

std::map<std::string, size_t> allowed;  // dynamic shared memory

cudaError_t check_shape(const Kernel& kernel, const CUstream_st& stream) {
  const unsigned threads = kernel.threads.count();
  if (kernel.blocks.count() == 0 || threads == 0 || threads > kThreadsOfBlock) return cudaErrorInvalidConfiguration;
  const auto asked = allowed.find(kernel.name);
  const size_t most = asked == allowed.end() ? kSharedUnasked : std::max(kSharedUnasked, asked->second);
  if (kernel.shared_bytes > most || kernel.shared_bytes > kSharedMost) return cudaErrorInvalidValue;
  if (!kernel.resident) return cudaSuccess;
  size_t of_sm = kThreadsOfSm / threads;
  if (kernel.shared_bytes > 0) of_sm = std::min(of_sm, kSharedMost / kernel.shared_bytes);
  return kernel.blocks.count() > of_sm * stream.sms.size() ? cudaErrorCooperativeLaunchTooLarge : cudaSuccess;
}

cudaError_t enqueue_kernel(const Kernel& kernel, const backend::SmStream& where) {
  const cudaStream_t stream = stream_of(where.stream);
  // A launch goes to the current device.
  if (stream == nullptr || stream->device != current_device()) return cudaErrorInvalidResourceHandle;
  if (const cudaError_t error = check_shape(kernel, *stream); error != cudaSuccess) return error;
  if (where.sms > static_cast<int>(stream->sms.size())) {
    machine().complain(std::string(kernel.name) + " is launched for more SMs than its stream has");
  }
  Work work;
  work.kind = Work::Kind::kKernel;
  work.name = kernel.name;
  const Settings& settings = machine().settings();
  work.duration_ns = settings.kernel_ns ? settings.kernel_ns(kernel.name) : kLaunchNs;
  work.alone = 2 * kernel.shared_bytes > kSharedMost;
  if (work.alone) work.duration_ns = 0;  // it waits by the clock
  if (settings.moves_data) {
    work.run = [kernel](Op& op) {
      check_default_stream_is_idle(op);
      try {
        op.end_ns += run_kernel(kernel, op.begin_ns, op.work.sms) - op.begin_ns;
      } catch (const std::exception& error) {
        machine().complain(error.what());
        machine().fail(op.device, cudaErrorLaunchTimeout);
      }
      return true;
    };
  }
  return enqueue(stream, std::move(work));
}

}  // namespace

void submit(const Kernel& kernel, const backend::SmStream& stream) {
  cudaError_t error = cudaSuccess;
  {
    const auto lock = machine().lock();
    error = returned(enqueue_kernel(kernel, stream));
  }
  backend::check_cuda(error, (std::string("the launch of ") + kernel.name).c_str(), __FILE__, __LINE__);
}

void allow_dynamic_shared(const char* name, size_t bytes) {
  const auto lock = machine().lock();
  allowed[name] = bytes;
}

}  // namespace pipeloom::emulation

using namespace pipeloom::emulation;  // NOLINT: the runtime's own functions follow

// The function must not call CUDA.
cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* argument) {
  const auto lock = machine().lock();
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr) return returned(cudaErrorInvalidResourceHandle);
  Work work;
  work.kind = Work::Kind::kHost;
  work.name = "a function of the host";
  work.run = [=](Op& op) {
    const auto begin = std::chrono::steady_clock::now();
    function(argument);
    op.end_ns += std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
    return true;
  };
  return returned(enqueue(stream, std::move(work)));
}
