#include "backend/transport/mpi/mpi_endpoint.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <span>
#include <thread>

#include "backend/transport/inbox_endpoint.h"
#include "backend/transport/mpi/bells.h"
#include "backend/transport/mpi/mpi_check.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

constexpr int kAbortTag = kChannels;  // MPI tags below are channels

// With something on its way, or ranks that can't ring, the thread looks again after so long: little against a task of
// 1 ms, and little of a core.
constexpr int64_t kLookAgain_ns = 20'000;
// After a ring, until what was rung for must be here.
constexpr int64_t kSoon_ns = 500'000;
// Else.
constexpr int64_t kIdle_ns = 5'000'000;

// MPI counts with ints. Messages are padded to whole blocks, so that they may have up to 128 GiB.
constexpr size_t kBlockBytes = 64;

struct Envelope {
  MessageTag tag;
  int64_t ready_ns = 0;
  uint64_t size = 0;  // of the content
};

// The envelope comes last, so that the content need not move.
std::vector<std::byte> sealed(Message message) {
  const Envelope envelope{message.tag, message.ready_ns, message.bytes.size()};
  std::vector<std::byte> bytes = std::move(message.bytes);
  const size_t needed = bytes.size() + sizeof envelope;
  bytes.resize((needed + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
  std::memcpy(bytes.data() + bytes.size() - sizeof envelope, &envelope, sizeof envelope);
  return bytes;
}

Message opened(std::vector<std::byte> bytes) {
  Envelope envelope;
  PIPELOOM_THROW_UNLESS(bytes.size() >= sizeof envelope);
  std::memcpy(&envelope, bytes.data() + bytes.size() - sizeof envelope, sizeof envelope);
  PIPELOOM_THROW_UNLESS(envelope.size <= bytes.size());
  bytes.resize(envelope.size);
  return {envelope.tag, envelope.ready_ns, std::move(bytes)};
}

// Finalises MPI when all else is gone.
struct Finalizer {
  ~Finalizer() { MPI_Finalize(); }
};

class MpiEndpoint : public InboxEndpoint {
 public:
  MpiEndpoint(int rank, int ranks) : InboxEndpoint(rank, ranks), bells_(MPI_COMM_WORLD) {
    PIPELOOM_MPI(MPI_Type_contiguous(kBlockBytes, MPI_BYTE, &block_));
    PIPELOOM_MPI(MPI_Type_commit(&block_));
    thread_ = std::jthread([this](const std::stop_token& stop) { move_messages(stop); });
  }
  ~MpiEndpoint() override {
    thread_.request_stop();
    bells_.ring(rank());
    thread_.join();
    MPI_Type_free(&block_);
  }

 protected:
  void send_away(int target, Channel channel, Message message) override {
    send_bytes(target, static_cast<int>(channel), sealed(std::move(message)));
  }
  void send_abort(int target, std::span<const std::byte> text) override {
    send_bytes(target, kAbortTag, sealed({{}, 0, {text.begin(), text.end()}}));
  }

 private:
  struct Sending {
    std::vector<std::byte> bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  void send_bytes(int target, int tag, std::vector<std::byte> bytes) {
    bool gone = false;
    {
      const std::lock_guard lock(mutex_);
      Sending& sending = sending_.emplace_back();
      sending.bytes = std::move(bytes);
      const size_t blocks = sending.bytes.size() / kBlockBytes;
      PIPELOOM_THROW_UNLESS(blocks <= INT32_MAX);
      PIPELOOM_MPI(MPI_Isend(sending.bytes.data(), static_cast<int>(blocks), block_, target, tag, MPI_COMM_WORLD,
                             &sending.request));
      gone = is_done(sending);
      if (gone) sending_.pop_back();
    }
    bells_.ring(target);
    if (!gone) bells_.ring(rank());  // its thread has to look after it
  }

  // MPI moves large messages only while somebody calls it, and the rank computes: hence a thread (with 200 ms of
  // computation and none, 64 MiB arrived 250 ms late).
  void move_messages(const std::stop_token& stop) {
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // Linux lets a thread oversleep by 50 us by default
    try {
      int64_t quiet_since_ns = 0;
      while (!stop.stop_requested() || !all_sent()) {
        const bool moved = receive_one() || forget_sent();
        if (moved || bells_.wait(pause_ns(quiet_since_ns))) quiet_since_ns = steady_now_ns();
      }
    } catch (const std::exception& bug) {
      abort_here({ErrorCode::kIo, fmt::format("rank {}: {}", rank(), bug.what())});
    }
  }

  int64_t pause_ns(int64_t quiet_since_ns) {
    const bool busy = !bells_.all_ring() || !all_sent() || steady_now_ns() - quiet_since_ns < kSoon_ns;
    return busy ? kLookAgain_ns : kIdle_ns;
  }

  bool receive_one() {
    int found = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    PIPELOOM_MPI(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &message, &status));
    if (found == 0) return false;
    int blocks = 0;
    PIPELOOM_MPI(MPI_Get_count(&status, block_, &blocks));
    std::vector<std::byte> bytes(static_cast<size_t>(blocks) * kBlockBytes);
    PIPELOOM_MPI(MPI_Mrecv(bytes.data(), blocks, block_, &message, MPI_STATUS_IGNORE));
    Message received = opened(std::move(bytes));
    if (status.MPI_TAG == kAbortTag) {
      abort_arrived(received.bytes);
    } else {
      arrived(status.MPI_SOURCE, static_cast<Channel>(status.MPI_TAG), std::move(received));
    }
    return true;
  }

  static bool is_done(Sending& sending) {
    int done = 0;
    PIPELOOM_MPI(MPI_Test(&sending.request, &done, MPI_STATUS_IGNORE));
    return done != 0;
  }

  // Whether any message has gone.
  bool forget_sent() {
    const std::lock_guard lock(mutex_);
    const size_t before = sending_.size();
    sending_.remove_if(is_done);
    return sending_.size() < before;
  }

  bool all_sent() {
    const std::lock_guard lock(mutex_);
    return sending_.empty();
  }

  Finalizer finalizer_;
  Bells bells_;
  MPI_Datatype block_ = MPI_DATATYPE_NULL;
  std::mutex mutex_;
  std::list<Sending> sending_;  // not moved while MPI reads them
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

}  // namespace pipeloom::backend
