#include "backend/transport/tcp/handshake.h"

#include <fmt/format.h>

#include <span>

namespace pipeloom::backend {

namespace {

template <typename Value>
std::span<const std::byte> bytes_of(const Value& value) {
  return std::as_bytes(std::span(&value, 1));
}

// `role`: of the prover, so that no side's proof is the other's.
Proof proof_of_role(const Membership& own, const std::string& role, const Hello& hello, const Challenge& challenge,
                    int32_t port) {
  const std::array<std::span<const std::byte>, 7> parts = {
      std::as_bytes(std::span(role)), std::as_bytes(std::span(own.run)), bytes_of(hello), bytes_of(challenge.rank),
      bytes_of(challenge.ranks),      bytes_of(challenge.nonce),         bytes_of(port)};
  return proof_of(own.secret, parts);
}

Proof listener_proof(const Membership& own, const Hello& hello, const Challenge& challenge) {
  return proof_of_role(own, "listens", hello, challenge, 0);
}

Proof connector_proof(const Membership& own, const Hello& hello, const Challenge& challenge, int32_t port) {
  return proof_of_role(own, "connects", hello, challenge, port);
}

}  // namespace

Result<Challenge> ListenerHandshake::answer(const Hello& hello) {
  if (hello.magic != kHelloMagic) return invalid("it does not speak pipeloom-run's protocol");
  if (hello.version != kHandshakeVersion) {
    return invalid(fmt::format("it speaks version {} of pipeloom-run's protocol; this is version {}", hello.version,
                               kHandshakeVersion));
  }
  hello_ = hello;
  challenge_ = {own_.rank, own_.ranks, fresh_nonce(), {}};
  challenge_.proof = listener_proof(own_, hello_, challenge_);
  return challenge_;
}

Status ListenerHandshake::admit(const Response& response) const {
  if (same_proof(response.proof, connector_proof(own_, hello_, challenge_, response.port))) return {};
  return invalid(
      fmt::format("it says that it is rank {}, and does not prove that it belongs to this run", hello_.rank));
}

const Hello& ConnectorHandshake::hello() {
  hello_.rank = own_.rank;
  hello_.ranks = own_.ranks;
  hello_.nonce = fresh_nonce();
  return hello_;
}

Result<Response> ConnectorHandshake::respond(const Challenge& challenge, int port) const {
  const bool proven =
      challenge.rank == listener_ && same_proof(challenge.proof, listener_proof(own_, hello_, challenge));
  if (!proven) {
    return invalid(fmt::format("who listens there does not prove that it is rank {} of this run", listener_));
  }
  return Response{port, connector_proof(own_, hello_, challenge, port)};
}

}  // namespace pipeloom::backend
