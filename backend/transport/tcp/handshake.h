#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "backend/transport/tcp/proof.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// How two ranks of a run prove to each other that they belong to it, before either believes anything that the other
// says. Pure but for the nonces: it moves no bytes. The one that connects says Hello, the one that listens answers with
// a Challenge, and the Response ends it. Both proofs are over the role of the prover, the run, both ranks, both worlds
// and both nonces: a recorded message is worth nothing on another connection, and none can be sent back to its sender.
// Plain bytes: all are machines of one kind.

inline constexpr std::array<char, 8> kHelloMagic = {'p', 'i', 'p', 'e', 'l', 'o', 'o', 'm'};
inline constexpr uint32_t kHandshakeVersion = 2;

struct Hello {
  std::array<char, 8> magic = kHelloMagic;
  uint32_t version = kHandshakeVersion;
  int32_t rank = 0;
  int32_t ranks = 0;
  Nonce nonce = {};
};
struct Challenge {
  int32_t rank = 0;
  int32_t ranks = 0;
  Nonce nonce = {};
  Proof proof = {};
};
struct Response {
  int32_t port = 0;  // on which the rank listens for those after it
  Proof proof = {};
};
static_assert(sizeof(Hello) == 52 && sizeof(Challenge) == 72 && sizeof(Response) == 36, "no padding");

// A process as one of a run's. It says that it is `rank` of `ranks`; whoever talks to it may find that wrong.
struct Membership {
  int rank = 0;
  int ranks = 1;
  std::string run;     // names the run among those with the same secret
  std::string secret;  // only its members know it
};

// The side that listens, for one connection.
class ListenerHandshake {
 public:
  explicit ListenerHandshake(const Membership& own) : own_(own) {}

  // Fails where whoever says hello is no rank of any run of this version.
  Result<Challenge> answer(const Hello& hello);
  // Fails unless whoever said hello knows the secret. REQUIRES: answer() was well.
  Status admit(const Response& response) const;

 private:
  const Membership& own_;
  Hello hello_;
  Challenge challenge_;
};

// The side that connects, for one connection to `listener`.
class ConnectorHandshake {
 public:
  ConnectorHandshake(const Membership& own, int listener) : own_(own), listener_(listener) {}

  const Hello& hello();
  // Fails unless whoever sent the challenge is that listener and knows the secret. `port`: of Response.
  Result<Response> respond(const Challenge& challenge, int port) const;

 private:
  const Membership& own_;
  int listener_;
  Hello hello_;
};

}  // namespace pipeloom::backend
