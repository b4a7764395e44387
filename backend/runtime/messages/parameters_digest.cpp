#include "backend/runtime/messages/parameters_digest.h"

#include <algorithm>
#include <string_view>

#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

uint64_t digest_of(std::string_view bytes) {
  Digest digest;
  digest.add_bytes(bytes);
  return digest.value();
}

}  // namespace

std::vector<ParameterDigest> digests_of(const std::map<std::string, std::vector<float>>& parameters) {
  std::vector<ParameterDigest> digests;
  for (const auto& [name, numbers] : parameters) {
    const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
    digests.push_back({digest_of(name), digest_of(bytes)});
  }
  return digests;
}

uint64_t combined(std::vector<ParameterDigest> digests) {
  std::ranges::sort(digests, {}, &ParameterDigest::name);
  Digest whole;
  for (const ParameterDigest& digest : digests) whole.add(digest.name, digest.numbers);
  return whole.value();
}

}  // namespace pipeloom::backend
