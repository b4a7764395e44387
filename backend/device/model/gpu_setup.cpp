#include "backend/device/model/gpu_setup.h"

#include <span>

namespace pipeloom::backend {

const float* GpuConstants::table(const std::vector<float>& numbers) {
  auto* to = arena_.take<float>(static_cast<int64_t>(numbers.size()));
  const auto bytes = std::as_bytes(std::span(numbers));
  uploads_.push_back({to, {bytes.begin(), bytes.end()}});
  return to;
}

RopeTables GpuConstants::rope(int64_t sequence, int64_t dim) {
  const auto [place, is_new] = rope_.try_emplace(dim);
  if (is_new) {
    const Rope<float> rope(sequence, dim);
    place->second = {table(rope.cosines()), table(rope.sines()), sequence};
  }
  return place->second;
}

}  // namespace pipeloom::backend
