#pragma once

#include <nccl.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/backend/cuda/emulation/runtime/machine.h"

// Communicators between the threads of the process. All functions are called with the machine's lock held.
namespace pipeloom::emulation {

// What a rank asks a communicator for.
struct Request {
  enum class Kind { kSend, kReceive, kAllReduce, kReduce, kBroadcast, kAllGather, kReduceScatter };
  Kind kind = Kind::kSend;
  const void* from = nullptr;
  void* to = nullptr;
  size_t count = 0;
  ncclDataType_t type = ncclChar;
  ncclRedOp_t reduction = ncclSum;
  int peer = -1;  // or root

  bool is_message() const { return kind == Kind::kSend || kind == Kind::kReceive; }
};

// A request whose kernel runs, until the others have come to it too.
struct Arrived {
  Request request;
  ncclComm_t owner = nullptr;
  OpPtr kernel;
  std::shared_ptr<int> open;  // requests of the kernel that are not done
};

// What the ranks of a communicator share.
struct Clique {
  std::vector<ncclComm_t> members;                              // [rank]; null: has not come yet
  std::map<std::pair<int, int>, std::deque<Arrived>> sends;     // by source and target
  std::map<std::pair<int, int>, std::deque<Arrived>> receives;  // the same
  std::vector<std::deque<Arrived>> collectives;                 // [rank]
  std::set<std::pair<int, int>> contacts;                       // who has asked for whom; -1: for all
  int splits = 0;
  int finalized = 0;
};

// One rank's kernel of a group.
struct Batch {
  ncclComm_t communicator = nullptr;
  cudaStream_t stream = nullptr;
  std::vector<Request> requests;
};
// Calls that are launched together, by a thread of NCCL's.
struct Group {
  std::vector<Batch> batches;  // in the order of the calls
  bool launched = false;
};

std::vector<std::string> leaked_nccl();
void reset_nccl();

// Launches the group's kernels if all who take part are there.
bool try_launch(Group& group);
// Ends the kernels of an aborted communicator.
void drop_arrived(ncclComm_t communicator);
// Whether the handle is a communicator's.
bool is_communicator(ncclComm_t communicator);

}  // namespace pipeloom::emulation

struct ncclComm {
  std::shared_ptr<pipeloom::emulation::Clique> clique;
  int rank = 0;
  int device = 0;
  int patience = 0;  // questions after which what is in progress may be done
  ncclResult_t error = ncclSuccess;
  bool aborted = false;
  bool finalizing = false;
  std::shared_ptr<pipeloom::emulation::Group> group;  // in progress
  std::vector<pipeloom::emulation::OpPtr> running;    // kernels that have not ended
  pipeloom::emulation::OpPtr last;                    // kernels of a communicator run one after the other
  int splits = 0;
  int open_split = -1;  // in progress

  int ranks() const { return static_cast<int>(clique->members.size()); }
};
