// To be started by mpirun, so that CI leaves it out:
// mpirun -n 2 build/release/tests/backend_test --gtest_also_run_disabled_tests --gtest_filter='*MpiTransport*'
#ifdef PIPELOOM_WITH_MPI

#include <gtest/gtest.h>

#include "backend/transport/mpi/mpi_endpoint.h"

namespace pipeloom::backend {
namespace {

constexpr size_t kLarge = 2'300'000'000;  // more than an int counts

Message filled(size_t bytes) {
  Message message;
  message.tag.micro_batch = 7;
  message.bytes.assign(bytes, std::byte{42});
  message.bytes.back() = std::byte{43};
  return message;
}

Message receive(Endpoint& endpoint, int source) {
  while (true) {
    if (auto message = endpoint.try_receive(source, Channel::kForward)) return std::move(*message);
    endpoint.wait_until(steady_now_ns() + 60'000'000'000);
  }
}

TEST(MpiTransport, DISABLED_CarriesMessagesOfAnySize) {
  const auto endpoint = connect_mpi().value();
  for (const size_t bytes : {size_t{1}, size_t{64}, size_t{1'000'001}, kLarge}) {
    if (endpoint->rank() == 0) endpoint->send(1, Channel::kForward, filled(bytes));
    if (endpoint->rank() != 1) continue;
    const Message message = receive(*endpoint, 0);
    ASSERT_EQ(message.bytes.size(), bytes);
    EXPECT_EQ(message.tag.micro_batch, 7);
    EXPECT_EQ(message.bytes.back(), std::byte{43});
    EXPECT_TRUE(bytes == 1 || message.bytes[bytes / 2] == std::byte{42});
  }
}

}  // namespace
}  // namespace pipeloom::backend

#endif
