// The exchange needs no GPU. As MPI processes:
// mpirun -n 3 build/release/tests/backend/cuda/cuda_test --gtest_also_run_disabled_tests
// --gtest_filter='*UniqueIdOverMpi*'
#include "backend/cuda/nccl/unique_id.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "backend/runtime/messages/meeting.h"
#include "backend/transport/tcp/tcp_endpoint.h"
#include "backend/transport/threads.h"
#include "tests/backend/transport/free_port.h"
#ifdef PIPELOOM_WITH_MPI
#include "backend/transport/mpi/mpi_endpoint.h"
#endif

namespace pipeloom::backend {
namespace {

constexpr int64_t kPatience_ns = 20'000'000'000;

std::string text(const ncclUniqueId& id) {
  return {id.internal, sizeof id.internal};
}

TEST(UniqueId, IsTheSameOnAllThreadsAndLeavesMeetingsInOrder) {
  std::mutex mutex;
  std::multiset<std::string> ids;
  const Status status = run_on_threads(4, [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(const ncclUniqueId id, share_unique_id(endpoint, kPatience_ns));
    {
      const std::lock_guard lock(mutex);
      ids.insert(text(id));
    }
    return Meeting(endpoint, kPatience_ns).agree({{"the plan", "7"}});
  });
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids.count(*ids.begin()), 4u);
  EXPECT_NE(*ids.begin(), std::string(sizeof(ncclUniqueId), '\0'));
}

TEST(UniqueId, TravelsOverTorchrunsTcp) {
  const int port = tests::free_port();
  std::mutex mutex;
  std::multiset<std::string> ids;
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < 3; ++rank) {
      threads.emplace_back([&, rank] {
        const auto endpoint =
            connect_tcp({rank, 3, "localhost", port, {}, {}}, MessageLimits::same(1 << 16), kPatience_ns);
        ASSERT_TRUE(endpoint) << endpoint.error().message;
        const auto id = share_unique_id(**endpoint, kPatience_ns);
        ASSERT_TRUE(id) << id.error().message;
        const std::lock_guard lock(mutex);
        ids.insert(text(*id));
      });
    }
  }
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids.count(*ids.begin()), 3u);
}

#ifdef PIPELOOM_WITH_MPI
TEST(UniqueIdOverMpi, DISABLED_IsTheSameOnAllProcesses) {
  const auto endpoint = connect_mpi().value();
  const auto id = share_unique_id(*endpoint, kPatience_ns);
  ASSERT_TRUE(id) << id.error().message;
  // All ranks must hold the id's digest to be that of rank 0.
  uint64_t digest = 1469598103934665603u;
  for (const char byte : id->internal) digest = (digest ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  const Status same = Meeting(*endpoint, kPatience_ns).agree({{"the id", std::to_string(digest)}});
  EXPECT_TRUE(same) << same.error().message;
}

// Every process of an MPI job, started as a user does.
TEST(UniqueId, TravelsOverMpi) {
  const std::string command = std::string("mpirun --allow-run-as-root --oversubscribe -n 3 ") + PIPELOOM_CUDA_TEST +
                              " --gtest_also_run_disabled_tests --gtest_brief=1 "
                              "--gtest_filter='UniqueIdOverMpi.*' > /dev/null 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}
#endif

}  // namespace
}  // namespace pipeloom::backend
