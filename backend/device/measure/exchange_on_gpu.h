#pragma once

#include <cstdint>
#include <memory>

#include "backend/device/comm/forward.h"
#include "backend/device/measure/measured_device.h"

namespace pipeloom::backend {

// An all-to-all as DeepSeek-V3 has it (arXiv 2412.19437, section 3.2.2), between 4 nodes of 8 ranks on one GPU: rows of
// 7168 numbers, each token to 8 experts of at most 4 nodes.
class ExchangeOnGpu {
 public:
  // The most that set() will be asked for.
  ExchangeOnGpu(MeasuredDevice& device, int most_sms, int most_piece_tokens);

  // REQUIRES: sms is a multiple of kNodes.
  void set(int sms, int piece_tokens);
  void set_cache_hints(bool hints) { shape_.cache_hints = hints; }
  void dispatch(StreamHandle stream) const;
  void combine(StreamHandle stream) const;
  // That all stages copy together.
  int64_t copied_bytes() const;

  static constexpr int kNodes = 4;

 private:
  ForwardBuffers buffers() const;

  ForwardShape shape_;
  double node_copies_ = 0;
  double rank_copies_ = 0;
  std::unique_ptr<MeasuredMemory> targets_;
  std::unique_ptr<MeasuredMemory> rings_;
  std::unique_ptr<MeasuredMemory> counters_;
  std::unique_ptr<MeasuredMemory> rows_;
  std::unique_ptr<MeasuredMemory> received_;
  std::unique_ptr<MeasuredMemory> sums_;
};

}  // namespace pipeloom::backend
