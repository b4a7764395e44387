#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pipeloom::backend {

// A parameter by the digests of its name and of its numbers.
struct ParameterDigest {
  uint64_t name = 0;
  uint64_t numbers = 0;
};
std::vector<ParameterDigest> digests_of(const std::map<std::string, std::vector<float>>& parameters);

// One number for all, in whatever order they come. REQUIRES: no name comes twice.
uint64_t combined(std::vector<ParameterDigest> digests);
inline uint64_t parameters_digest(const std::map<std::string, std::vector<float>>& parameters) {
  return combined(digests_of(parameters));
}

}  // namespace pipeloom::backend
