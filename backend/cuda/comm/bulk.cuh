#pragma once

#include "backend/cuda/kernels/device.cuh"

namespace pipeloom::backend {

// Copies by the SM's bulk-copy engine (PTX ISA, cp.async.bulk; sm_90): one thread starts them, and they pass through
// shared memory. Addresses and sizes are multiples of 16 bytes.

// What a load that is under way tells when its bytes are in shared memory.
struct BulkBarrier {
  uint64_t bits;
};

#ifdef __CUDACC__
__device__ inline uint32_t shared_address(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}
__device__ inline void begin_barrier(BulkBarrier* barrier) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(barrier)) : "memory");
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ inline void bulk_load(void* shared, const void* from, uint32_t bytes, BulkBarrier* barrier) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
               : "memory");
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   shared_address(shared)),
               "l"(from), "r"(bytes), "r"(shared_address(barrier))
               : "memory");
}
// Waits until the load number `phase` (its parity counts) of the barrier is there.
__device__ inline void wait_for_load(BulkBarrier* barrier, uint32_t phase) {
  uint32_t there = 0;
  while (there == 0) {
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n"
        "}\n"
        : "=r"(there)
        : "r"(shared_address(barrier)), "r"(phase & 1)
        : "memory");
  }
}
__device__ inline void bulk_store(void* to, const void* shared, uint32_t bytes) {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to), "r"(shared_address(shared)),
               "r"(bytes)
               : "memory");
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
// Waits until all but the last kOpen stores have read shared memory.
template <int kOpen>
__device__ inline void wait_for_reads() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kOpen) : "memory");
}
__device__ inline void wait_for_stores() {
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}
#else
inline void begin_barrier(BulkBarrier* /*barrier*/) {}
inline void bulk_load(void* shared, const void* from, uint32_t bytes, BulkBarrier* /*barrier*/) {
  host_copy(shared, from, bytes);
}
inline void wait_for_load(BulkBarrier* /*barrier*/, uint32_t /*phase*/) {}
inline void bulk_store(void* to, const void* shared, uint32_t bytes) {
  host_copy(to, shared, bytes);
}
template <int kOpen>
inline void wait_for_reads() {}
inline void wait_for_stores() {}
#endif

}  // namespace pipeloom::backend
