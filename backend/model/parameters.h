#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/model/matrix.h"

namespace pipeloom::backend {

enum class ParameterKind : uint8_t {
  kTrained,
  // An expert's part in choosing it, zero at first. What is summed for it is no gradient but its load, and it moves by
  // a fixed step against what that exceeds an even share (DeepSeek-V3, arXiv 2412.19437, section 2.1.2).
  kLoadBias,
};

// One weight matrix of a component.
struct Parameter {
  std::string name;  // within its component: "query_key_value"
  int64_t rows = 1;
  int64_t columns = 0;
  double deviation = 0;  // of the normally distributed initial values; 0: all are one (norms)
  ParameterKind kind = ParameterKind::kTrained;

  int64_t size() const { return rows * columns; }
};

// Of the initial embedding and head (GPT-2's): the first losses are about the logarithm of the vocabulary.
inline constexpr double kTableDeviation = 0.02;

// Where a parameter lies in its block.
struct Weight {
  int64_t offset = 0;
  int64_t rows = 0;
  int64_t columns = 0;

  // In the block, or in its gradients, that begin at `base`.
  template <typename Real>
  View<Real> of(Real* base) const {
    return {base + offset, rows, columns, columns};
  }
};

// The parameters of a component, one after the other in one array.
class ParameterBlock {
 public:
  Weight add(Parameter parameter);
  // Of a product of rows `rows` wide.
  Weight add_product(std::string name, int64_t rows, int64_t columns);

  int64_t size() const { return size_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  std::vector<Parameter> parameters_;
  int64_t size_ = 0;
};

}  // namespace pipeloom::backend
