#include "backend/device/model/gpu_weight.h"

#include "core/base/check.h"

namespace pipeloom::backend {

GpuWeight find_weight(const ParameterBlock& block, const std::string& name, const GpuNumbers& numbers) {
  int64_t offset = 0;
  for (const Parameter& parameter : block.parameters()) {
    if (parameter.name == name) {
      const GpuNumbers own = numbers.at(offset);
      return {own.weights, own.factors, own.gradients, parameter.rows, parameter.columns};
    }
    offset += parameter.size();
  }
  check_failed("a parameter of the part", __FILE__, __LINE__);
}

}  // namespace pipeloom::backend
