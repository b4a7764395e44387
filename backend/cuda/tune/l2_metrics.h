#pragma once

#include <vector>

#include "backend/device/tuning/tuning.h"

namespace pipeloom::backend {

// The metrics that MeasuredL2 holds, and what it is of their values in the same order.
inline std::vector<const char*> l2_metrics() {
  return {"lts__t_sector_hit_rate.pct", "lts__t_sector_op_read_hit_rate.pct", "lts__t_sectors_op_read.sum",
          "lts__t_sectors_op_write.sum", "dram__bytes_read.sum"};
}
inline MeasuredL2 l2_of(const std::vector<double>& values) {
  return {values.at(0), values.at(1), values.at(2), values.at(3), values.at(4)};
}

}  // namespace pipeloom::backend
