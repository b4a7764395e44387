#include "backend/transport/tcp/handshake.h"

#include <gtest/gtest.h>

#include <array>
#include <span>

#include "backend/transport/tcp/tcp_frame.h"

namespace pipeloom::backend {
namespace {

const Membership kListener = {0, 4, "a run", "a secret"};
const Membership kConnector = {2, 4, "a run", "a secret"};

// What becomes of a handshake between the two; "" if each has proven itself.
std::string outcome(const Membership& connector, const Membership& listener, int expected_listener = 0) {
  ConnectorHandshake connects(connector, expected_listener);
  ListenerHandshake listens(listener);
  const auto challenge = listens.answer(connects.hello());
  if (!challenge) return challenge.error().message;
  const auto response = connects.respond(*challenge, 5000);
  if (!response) return response.error().message;
  const Status admitted = listens.admit(*response);
  return admitted ? "" : admitted.error().message;
}

TEST(Handshake, MembersProveThemselvesToEachOther) {
  EXPECT_EQ(outcome(kConnector, kListener), "");
  // What they say of themselves is proven too; whether it fits is asked later.
  Membership of_five = kConnector;
  of_five.ranks = 5;
  EXPECT_EQ(outcome(of_five, kListener), "");
}

TEST(Handshake, AListenerOfAnotherRunRankOrSecretIsFoundOut) {
  const std::string found_out = "who listens there does not prove that it is rank 0 of this run";
  Membership other = kListener;
  other.secret = "another secret";
  EXPECT_EQ(outcome(kConnector, other), found_out);
  other = kListener;
  other.run = "another run";
  EXPECT_EQ(outcome(kConnector, other), found_out);
  other = kListener;
  other.rank = 1;
  EXPECT_EQ(outcome(kConnector, other), found_out);
}

TEST(Handshake, AConnectorWithoutTheSecretIsNotAdmitted) {
  ListenerHandshake listens(kListener);
  ConnectorHandshake connects(kConnector, 0);
  const Challenge challenge = listens.answer(connects.hello()).value();
  Response response;
  response.port = 5000;
  EXPECT_EQ(listens.admit(response).error().message,
            "it says that it is rank 2, and does not prove that it belongs to this run");
  // The listener's own proof, sent back.
  response.proof = challenge.proof;
  EXPECT_FALSE(listens.admit(response));
  // The right proof for another port.
  response = connects.respond(challenge, 5000).value();
  response.port = 5001;
  EXPECT_FALSE(listens.admit(response));
}

TEST(Handshake, ARecordedOneIsWorthNothing) {
  ListenerHandshake first(kListener);
  ConnectorHandshake connects(kConnector, 0);
  const Hello hello = connects.hello();
  const Challenge challenge = first.answer(hello).value();
  const Response response = connects.respond(challenge, 5000).value();
  ASSERT_TRUE(first.admit(response));
  ListenerHandshake second(kListener);
  ASSERT_TRUE(second.answer(hello));
  EXPECT_FALSE(second.admit(response));
  // Nor is the listener's side.
  ConnectorHandshake later(kConnector, 0);
  later.hello();
  EXPECT_FALSE(later.respond(challenge, 5000));
}

TEST(Handshake, WhoSpeaksOtherwiseIsNoRank) {
  ListenerHandshake listens(kListener);
  Hello hello;
  hello.magic[0] = 'G';
  EXPECT_EQ(listens.answer(hello).error().message, "it does not speak pipeloom-run's protocol");
  hello = {};
  hello.version = 1;
  EXPECT_EQ(listens.answer(hello).error().message, "it speaks version 1 of pipeloom-run's protocol; this is version 2");
}

TEST(Proof, TellsWherePartsEnd) {
  const std::string text = "abc";
  const auto bytes = std::as_bytes(std::span(text));
  const std::array first = {bytes.first(1), bytes.subspan(1)};
  const std::array second = {bytes.first(2), bytes.subspan(2)};
  EXPECT_FALSE(same_proof(proof_of("a secret", first), proof_of("a secret", second)));
}

TEST(Proof, DependsOnEveryBitOfTheSecret) {
  const std::string text = "what do ya want for nothing?";
  const std::array parts = {std::as_bytes(std::span(text))};
  const Proof proof = proof_of("Jefe", parts);
  for (int bit = 0; bit < 32; ++bit) {
    std::string secret = "Jefe";
    secret[bit / 8] = static_cast<char>(secret[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(same_proof(proof, proof_of(secret, parts))) << bit;
  }
}

TEST(Frame, KindsAndSizesAreThoseOfTheRun) {
  MessageLimits limits;
  limits.bytes[static_cast<size_t>(Channel::kForward)] = 100;
  const auto error = [&](uint32_t kind, uint64_t size) {
    const Status status = check_frame({.kind = kind, .size = size}, limits);
    return status ? "" : status.error().message;
  };
  EXPECT_EQ(error(0, 100), "");
  EXPECT_EQ(error(0, 101), "a frame of kind 0 with 101 bytes; this run's have at most 100");
  EXPECT_EQ(error(1, 1), "a frame of kind 1 with 1 bytes; this run's have at most 0");
  EXPECT_EQ(error(7, 0), "a frame of kind 7, which there is not");
  EXPECT_EQ(error(kAbortFrame, kMostAbortBytes), "");
  EXPECT_NE(error(kAbortFrame, uint64_t{1} << 62), "");
  EXPECT_EQ(error(kGoodbyeFrame, 0), "");
  EXPECT_NE(error(kGoodbyeFrame, 1), "");
}

}  // namespace
}  // namespace pipeloom::backend
