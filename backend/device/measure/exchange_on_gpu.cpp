#include "backend/device/measure/exchange_on_gpu.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace pipeloom::backend {

namespace {

constexpr int kRanks = 8;
constexpr int kChoices = 8;
constexpr int64_t kTokens = 64;  // of a rank
constexpr int64_t kWidth = 7168;
constexpr int kStreams = 4;
constexpr int kWarps = 24;

}  // namespace

ExchangeOnGpu::ExchangeOnGpu(MeasuredDevice& device, int most_sms, int most_piece_tokens) {
  shape_.nodes = kNodes;
  shape_.ranks = kRanks;
  shape_.tokens = kTokens;
  shape_.width = kWidth;
  shape_.streams = kStreams;
  set(most_sms, most_piece_tokens);
  const int64_t tokens = kNodes * shape_.node_tokens();
  std::vector<uint8_t> targets(static_cast<size_t>(tokens * shape_.all_ranks()));
  std::mt19937 random(1);
  std::vector<int> ranks(static_cast<size_t>(shape_.all_ranks()));
  std::iota(ranks.begin(), ranks.end(), 0);
  for (int64_t token = 0; token < tokens; ++token) {
    std::ranges::shuffle(ranks, random);
    bool nodes[kNodes] = {};
    for (int i = 0; i < kChoices; ++i) {
      targets[token * shape_.all_ranks() + ranks[i]] = 1;
      nodes[ranks[i] / kRanks] = true;
    }
    node_copies_ += static_cast<double>(std::count(nodes, nodes + kNodes, true)) / static_cast<double>(tokens);
  }
  rank_copies_ = kChoices;
  targets_ = std::make_unique<MeasuredMemory>(device, static_cast<int64_t>(targets.size()));
  device.copy_to_device(targets.data(), targets_->as<uint8_t>(), static_cast<int64_t>(targets.size()));
  rings_ = std::make_unique<MeasuredMemory>(device, ring_bytes(shape_));
  counters_ = std::make_unique<MeasuredMemory>(device, counters_size(shape_) * static_cast<int64_t>(sizeof(uint32_t)));
  rows_ = std::make_unique<MeasuredMemory>(device, tokens * kWidth * static_cast<int64_t>(sizeof(Bf16)));
  received_ = std::make_unique<MeasuredMemory>(
      device, shape_.all_ranks() * tokens * kWidth * static_cast<int64_t>(sizeof(Bf16)));
  sums_ = std::make_unique<MeasuredMemory>(device, tokens * kWidth * static_cast<int64_t>(sizeof(float)));
}

void ExchangeOnGpu::set(int sms, int piece_tokens) {
  shape_.sms = sms / kNodes;
  shape_.ring_rows = piece_tokens;
}

ForwardBuffers ExchangeOnGpu::buffers() const {
  return {targets_->as<uint8_t>(), rings_->as<unsigned char>(), counters_->as<uint32_t>()};
}

void ExchangeOnGpu::dispatch(StreamHandle stream) const {
  const WarpRoles roles = divide_warps(kWarps, dispatch_loads(node_copies_, rank_copies_));
  forward_dispatch({stream, kNodes * shape_.sms}, shape_, roles, buffers(), rows_->as<Bf16>(), received_->as<Bf16>());
}

void ExchangeOnGpu::combine(StreamHandle stream) const {
  const WarpRoles roles = divide_warps(kWarps, combine_loads(node_copies_, rank_copies_));
  forward_combine({stream, kNodes * shape_.sms}, shape_, roles, buffers(), received_->as<Bf16>(), sums_->as<float>());
}

int64_t ExchangeOnGpu::copied_bytes() const {
  const double rows = (node_copies_ + 2 * rank_copies_) * static_cast<double>(kNodes * shape_.node_tokens());
  return static_cast<int64_t>(rows * static_cast<double>(kWidth * static_cast<int64_t>(sizeof(Bf16))));
}

}  // namespace pipeloom::backend
