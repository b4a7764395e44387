#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/backend/cuda/emulation/runtime/machine.h"

// What the handles of the CUDA runtime point to. All functions are called with the machine's lock held.

struct CUgraph_st {
  struct Node {
    pipeloom::emulation::Work work;
    std::vector<size_t> after;
  };
  std::vector<Node> nodes;
};

struct CUgraphExec_st {
  CUgraph_st graph;
  pipeloom::emulation::OpPtr last;  // a graph runs once at a time
};

namespace pipeloom::emulation {

// A capture that is under way, or has ended.
struct Capture {
  cudaStream_t origin = nullptr;
  std::thread::id thread;
  std::unique_ptr<CUgraph_st> graph = std::make_unique<CUgraph_st>();
  std::vector<cudaStream_t> streams;  // that have joined
  bool invalid = false;
  bool ended = false;
};

}  // namespace pipeloom::emulation

struct CUstream_st {
  int device = 0;
  bool is_default = false;
  bool blocking = true;  // orders itself with the default stream
  std::vector<int> sms;
  pipeloom::emulation::OpPtr last;
  std::vector<pipeloom::emulation::OpPtr> waits;  // of the next op
  std::shared_ptr<pipeloom::emulation::Capture> capture;
  std::vector<size_t> frontier;  // nodes that the next one comes after
};

struct CUevent_st {
  int device = 0;
  bool timed = true;
  pipeloom::emulation::OpPtr last;  // what it was recorded as
  std::shared_ptr<pipeloom::emulation::Capture> capture;
  std::vector<size_t> frontier;
};

namespace pipeloom::emulation {

// --- of the calling thread ---

int current_device();
void set_current_device(int device);
// Remembers it for cudaGetLastError.
cudaError_t returned(cudaError_t error);
cudaError_t take_last_error();
// For calls that a thread must not make while it captures: makes its capture invalid and says so.
cudaError_t unsafe_call();

// --- handles ---

struct Handles {
  std::vector<std::unique_ptr<CUstream_st>> defaults;  // [device]
  std::set<cudaStream_t> streams;                      // without the default ones
  std::set<cudaEvent_t> events;
  std::set<cudaStream_t> capturing;  // origins
};
Handles& handles();

cudaStream_t make_stream(int device, bool blocking, std::vector<int> sms);
// The stream that a handle stands for on the current device; null: none.
cudaStream_t stream_of(cudaStream_t handle);
// Complains of work that nothing orders after the default stream's, while that is under way.
void check_default_stream_is_idle(const Op& op);
// All of them, as new.
void reset_streams(int devices);
std::vector<std::string> leaked_streams();
std::vector<int> all_sms();

// --- work ---

// Enqueues on a stream, or adds to what it captures. `op`: what was enqueued, null for a captured one.
cudaError_t enqueue(cudaStream_t stream, Work work, OpPtr* op = nullptr);
cudaError_t launch_graph_on(CUgraphExec_st& graph, cudaStream_t stream);

}  // namespace pipeloom::emulation
