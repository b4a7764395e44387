#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace pipeloom::backend {

// A number that is used once.
using Nonce = std::array<std::byte, 32>;
// Random bytes of the operating system's quality; throws if there are none.
Nonce fresh_nonce();

// Proves that whoever made it knows a secret: HMAC-SHA256 (RFC 2104), by OpenSSL.
using Proof = std::array<std::byte, 32>;
// The parts are told apart: moving a byte from one to the next gives another proof.
Proof proof_of(std::string_view secret, std::span<const std::span<const std::byte>> parts);
// Takes the same time wherever they differ.
bool same_proof(const Proof& a, const Proof& b);

}  // namespace pipeloom::backend
