#include "backend/model/parameters.h"

#include <cmath>

namespace pipeloom::backend {

Weight ParameterBlock::add(Parameter parameter) {
  const Weight weight{size_, parameter.rows, parameter.columns};
  size_ += parameter.size();
  parameters_.push_back(std::move(parameter));
  return weight;
}

// The deviation keeps the size of what passes through (LeCun et al., Efficient BackProp, 1998, section 4.6).
Weight ParameterBlock::add_product(std::string name, int64_t rows, int64_t columns) {
  return add({std::move(name), rows, columns, 1 / std::sqrt(static_cast<double>(rows))});
}

}  // namespace pipeloom::backend
