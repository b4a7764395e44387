#include "backend/cuda/run/gpu_step.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/trace/cupti_trace.h"
#include "backend/cuda/trace/event_trace.h"
#include "backend/device/program/kernel_spans.h"
#include "backend/device/program/stuck_launches.h"
#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

namespace {

// Short beside a step; the core is free for NCCL's threads meanwhile.
constexpr std::chrono::microseconds kPause{20};
// How often the events of a step are counted: that takes a call each.
constexpr int64_t kLookAgain_ns = 200'000'000;

}  // namespace

GpuStep::GpuStep(const LaunchProgram& program, const TaskGraph& graph, CudaDevice& device, GpuStepOptions options)
    : program_(program), graph_(graph), device_(device), options_(std::move(options)) {
  no_graph_ = options_.no_graphs;
  PIPELOOM_CUDA_CHECK(cudaEventCreateWithFlags(&begin_, cudaEventDefault));
  PIPELOOM_CUDA_CHECK(cudaEventCreateWithFlags(&end_, cudaEventDefault));
}

GpuStep::~GpuStep() {
  if (begin_ != nullptr) cudaEventDestroy(begin_);
  if (end_ != nullptr) cudaEventDestroy(end_);
}

std::string GpuStep::how() const {
  if (step_graph_) return fmt::format("one CUDA graph of {} nodes", step_graph_->nodes());
  return fmt::format("launch by launch: {}", no_graph_.empty() ? "no graph yet" : no_graph_);
}

void GpuStep::enqueue() {
  if (step_graph_) {
    step_graph_->replay(device_.origin());
  } else {
    issue(program_, device_);
  }
}

Result<int64_t> GpuStep::run(const Before& before) {
  if (warm_ && options_.no_graphs.empty() && !tried_) {
    tried_ = true;
    auto captured = StepGraph::capture(program_, device_);
    if (captured) {
      step_graph_ = *std::move(captured);
    } else {
      no_graph_ = captured.error().message;
    }
  }
  before(device_.origin());
  PIPELOOM_CUDA_CHECK(cudaEventRecord(begin_, device_.origin()));
  enqueue();
  PIPELOOM_CUDA_CHECK(cudaEventRecord(end_, device_.origin()));
  PIPELOOM_RETURN_IF_ERROR(wait());
  warm_ = true;
  float ms = 0;
  PIPELOOM_CUDA_CHECK(cudaEventElapsedTime(&ms, begin_, end_));
  return static_cast<int64_t>(static_cast<double>(ms) * 1e6);
}

Result<GpuStep::Traced> GpuStep::run_traced(const Before& before, int replica) {
  before(device_.origin());
  PIPELOOM_CUDA_CHECK(cudaStreamSynchronize(device_.origin()));
  Traced traced;
  traced.begin_ns = steady_now_ns();
  Result<std::unique_ptr<CuptiTrace>> cupti = unsupported(options_.no_cupti);
  if (options_.no_cupti.empty()) cupti = CuptiTrace::start();
  std::unique_ptr<EventTrace> events;
  int64_t step_begin_ns = 0;
  if (cupti) {
    traced.by = "CUPTI";
    device_.observe(cupti->get());
    step_begin_ns = CuptiTrace::now_ns();
  } else {
    traced.by = fmt::format("events, because {}", cupti.error().message);
    events = std::make_unique<EventTrace>(device_.origin());
    device_.observe(events.get());
  }
  issue(program_, device_);
  PIPELOOM_CUDA_CHECK(cudaEventRecord(end_, device_.origin()));
  device_.observe(nullptr);
  PIPELOOM_RETURN_IF_ERROR(wait());
  const std::vector<KernelRecord> records = cupti ? (*cupti)->records() : events->records();
  traced.spans = spans_of_kernels(graph_, program_, records, step_begin_ns, replica);
  return traced;
}

size_t GpuStep::ended_events() const {
  size_t ended = 0;
  for (uint32_t event = 0; event < program_.events; ++event) ended += device_.happened(event) ? 1 : 0;
  return ended;
}

// A replayed graph does not touch the program's events: then the whole step has the patience.
Status GpuStep::wait() {
  int64_t progress_ns = steady_now_ns();
  int64_t looked_ns = progress_ns;
  size_t ended = 0;
  while (true) {
    const cudaError_t state = cudaEventQuery(end_);
    if (state == cudaSuccess) return {};
    if (state != cudaErrorNotReady) PIPELOOM_CUDA_CHECK(state);
    if (options_.poll) PIPELOOM_RETURN_IF_ERROR(options_.poll());
    const int64_t now_ns = steady_now_ns();
    if (!step_graph_ && now_ns - looked_ns > kLookAgain_ns) {
      looked_ns = now_ns;
      const size_t seen = ended_events();
      if (seen > ended) progress_ns = now_ns;
      ended = seen;
    }
    if (now_ns - progress_ns > options_.patience_ns) {
      const std::string at =
          step_graph_ ? "a step that is one CUDA graph: --no-graph says more"
                      : stuck_launches(
                            program_, [&](uint32_t event) { return device_.happened(event); }, options_.name);
      return fail(ErrorCode::kDeadlock, fmt::format("nothing ended on the GPU for {:.1f} s; it is at: {}",
                                                    static_cast<double>(options_.patience_ns) / 1e9, at));
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace pipeloom::backend
