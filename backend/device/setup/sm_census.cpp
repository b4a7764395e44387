#include "backend/device/setup/sm_census.h"

#include <fmt/format.h>

#include <bit>

namespace pipeloom::backend {

std::vector<std::string> census_errors(const std::vector<SeenSms>& partitions) {
  std::vector<std::string> errors;
  for (size_t i = 0; i < partitions.size(); ++i) {
    int count = 0;
    for (const uint32_t word : partitions[i].sms) count += std::popcount(word);
    if (count > partitions[i].planned) {
      errors.push_back(
          fmt::format("{} was seen on {} SMs; it has {}", partitions[i].who, count, partitions[i].planned));
    }
    for (size_t j = 0; j < i; ++j) {
      int shared = 0;
      for (size_t word = 0; word < partitions[i].sms.size(); ++word) {
        shared += std::popcount(partitions[i].sms[word] & partitions[j].sms[word]);
      }
      if (shared == 0) continue;
      errors.push_back(fmt::format("{} and {} were seen on {} SM{} both", partitions[j].who, partitions[i].who, shared,
                                   shared == 1 ? "" : "s"));
    }
  }
  return errors;
}

}  // namespace pipeloom::backend
