#include "backend/transport/mpi/mpi_endpoint.h"

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <fmt/format.h>
#include <mpi.h>
#include <sys/prctl.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <span>
#include <stdexcept>
#include <thread>

#include "backend/transport/inbox.h"
#include "core/check.h"

namespace pipeloom {

namespace {

constexpr int kAbortTag = kChannels;  // MPI tags below are channels

// With nothing to move, the thread looks again after so long: little against a task of 1 ms, and little of a core.
constexpr std::chrono::microseconds kIdle{20};

// Evaluates the call once.
void check_mpi(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(result, text, &length);
  throw std::runtime_error(fmt::format("{}: {}", call, std::string_view(text, static_cast<size_t>(length))));
}
#define PIPELOOM_MPI(call) check_mpi(call, #call)

struct Envelope {
  MessageTag tag;
  int64_t ready_ns = 0;
};

// The envelope comes last, so that the content need not move.
std::vector<std::byte> sealed(Message message) {
  const Envelope envelope{message.tag, message.ready_ns};
  std::vector<std::byte> bytes = std::move(message.bytes);
  bytes.resize(bytes.size() + sizeof envelope);
  std::memcpy(bytes.data() + bytes.size() - sizeof envelope, &envelope, sizeof envelope);
  return bytes;
}

Message opened(std::vector<std::byte> bytes) {
  Envelope envelope;
  PIPELOOM_CHECK(bytes.size() >= sizeof envelope);
  std::memcpy(&envelope, bytes.data() + bytes.size() - sizeof envelope, sizeof envelope);
  bytes.resize(bytes.size() - sizeof envelope);
  return {envelope.tag, envelope.ready_ns, std::move(bytes)};
}

class MpiEndpoint : public Endpoint {
 public:
  MpiEndpoint(int rank, int ranks) : rank_(rank), ranks_(ranks), inbox_(ranks) {
    thread_ = std::jthread([this](const std::stop_token& stop) { move_messages(stop); });
  }
  ~MpiEndpoint() override {
    thread_.request_stop();
    thread_.join();
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int ranks() const override { return ranks_; }
  void send(int target, Channel channel, Message message) override {
    if (target == rank_) return inbox_.put(rank_, channel, std::move(message));
    send_bytes(target, static_cast<int>(channel), sealed(std::move(message)));
  }
  std::optional<Message> try_receive(int source, Channel channel) override { return inbox_.try_take(source, channel); }
  void wait_until(int64_t time_ns) override { inbox_.wait_until(time_ns); }
  void abort(const Error& error) override {
    inbox_.abort(error);
    if (told_others_.exchange(true)) return;
    const auto text = std::as_bytes(std::span(error.message));
    for (int rank = 0; rank < ranks_; ++rank) {
      if (rank != rank_) send_bytes(rank, kAbortTag, {text.begin(), text.end()});
    }
  }
  std::optional<Error> aborted() override { return inbox_.aborted(); }

 private:
  struct Sending {
    std::vector<std::byte> bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  void send_bytes(int target, int tag, std::vector<std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    Sending& sending = sending_.emplace_back();
    sending.bytes = std::move(bytes);
    PIPELOOM_CHECK(sending.bytes.size() <= INT32_MAX);
    PIPELOOM_MPI(MPI_Isend(sending.bytes.data(), static_cast<int>(sending.bytes.size()), MPI_BYTE, target, tag,
                           MPI_COMM_WORLD, &sending.request));
  }

  // MPI moves large messages only while somebody calls it, and the rank computes: hence a thread (with 200 ms of
  // computation and none, 64 MiB arrived 250 ms late).
  void move_messages(const std::stop_token& stop) {
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // Linux lets a thread oversleep by 50 us by default
    try {
      while (!stop.stop_requested() || !all_sent()) {
        if (!receive_one() && !forget_sent()) std::this_thread::sleep_for(kIdle);
      }
    } catch (const std::exception& bug) {
      inbox_.abort({ErrorCode::kIo, fmt::format("rank {}: {}", rank_, bug.what())});
    }
  }

  bool receive_one() {
    int found = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    PIPELOOM_MPI(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &message, &status));
    if (found == 0) return false;
    int size = 0;
    PIPELOOM_MPI(MPI_Get_count(&status, MPI_BYTE, &size));
    std::vector<std::byte> bytes(static_cast<size_t>(size));
    PIPELOOM_MPI(MPI_Mrecv(bytes.data(), size, MPI_BYTE, &message, MPI_STATUS_IGNORE));
    if (status.MPI_TAG == kAbortTag) {
      told_others_ = true;
      inbox_.abort({ErrorCode::kIo, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
    } else {
      inbox_.put(status.MPI_SOURCE, static_cast<Channel>(status.MPI_TAG), opened(std::move(bytes)));
    }
    return true;
  }

  // Whether any message has gone.
  bool forget_sent() {
    const std::lock_guard lock(mutex_);
    const size_t before = sending_.size();
    sending_.remove_if([](Sending& sending) {
      int done = 0;
      PIPELOOM_MPI(MPI_Test(&sending.request, &done, MPI_STATUS_IGNORE));
      return done != 0;
    });
    return sending_.size() < before;
  }

  bool all_sent() {
    const std::lock_guard lock(mutex_);
    return sending_.empty();
  }

  int rank_;
  int ranks_;
  Inbox inbox_;
  std::mutex mutex_;
  std::list<Sending> sending_;  // not moved while MPI reads them
  std::atomic<bool> told_others_ = false;
  std::jthread thread_;
};

}  // namespace

Result<std::unique_ptr<Endpoint>> connect_mpi() {
  int provided = 0;
  PIPELOOM_MPI(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided));
  if (provided < MPI_THREAD_MULTIPLE) {
    return unsupported("this MPI library does not support MPI_THREAD_MULTIPLE, which pipeloom-run needs");
  }
  PIPELOOM_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  int rank = 0;
  int ranks = 0;
  PIPELOOM_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
  PIPELOOM_MPI(MPI_Comm_size(MPI_COMM_WORLD, &ranks));
  return std::make_unique<MpiEndpoint>(rank, ranks);
}

void end_mpi_job(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace pipeloom
