#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pipeloom::backend {

// Which SMs the kernels of a partition were seen on.
struct SeenSms {
  std::string who;            // "rank 2, communication"
  int planned = 0;            // SMs of the partition
  std::vector<uint32_t> sms;  // bit i % 32 of word i / 32: SM i
};

// What is wrong with a census: an SM that two partitions were seen on, or a partition that was seen on more SMs than it
// has. Pure.
std::vector<std::string> census_errors(const std::vector<SeenSms>& partitions);

}  // namespace pipeloom::backend
