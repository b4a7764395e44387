#include "backend/transport/tcp/proof.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "core/base/check.h"

namespace pipeloom::backend {

Nonce fresh_nonce() {
  Nonce nonce;
  PIPELOOM_THROW_UNLESS(RAND_bytes(reinterpret_cast<unsigned char*>(nonce.data()), static_cast<int>(nonce.size())) ==
                        1);
  return nonce;
}

Proof proof_of(std::string_view secret, std::span<const std::span<const std::byte>> parts) {
  std::vector<std::byte> text;  // each part after its length
  for (const std::span<const std::byte> part : parts) {
    const uint64_t size = part.size();
    const auto length = std::as_bytes(std::span(&size, 1));
    text.insert(text.end(), length.begin(), length.end());
    text.insert(text.end(), part.begin(), part.end());
  }
  Proof proof;
  unsigned int size = 0;
  PIPELOOM_THROW_UNLESS(secret.size() <= static_cast<size_t>(std::numeric_limits<int>::max()));
  const unsigned char* made = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                                   reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                   reinterpret_cast<unsigned char*>(proof.data()), &size);
  PIPELOOM_THROW_UNLESS(made != nullptr && size == proof.size());
  return proof;
}

bool same_proof(const Proof& a, const Proof& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pipeloom::backend
