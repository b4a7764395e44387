#include "backend/cuda/nccl/unique_id.h"

#include <fmt/format.h>

#include "backend/runtime/messages/collect.h"

namespace pipeloom::backend {

Result<ncclUniqueId> share_unique_id(Endpoint& endpoint, int64_t patience_ns) {
  ncclUniqueId id = {};
  if (endpoint.rank() == 0) {
    if (const ncclResult_t result = ncclGetUniqueId(&id); result != ncclSuccess) {
      const Error error{ErrorCode::kIo,
                        fmt::format("NCCL can't listen for the other ranks: {} ({}); NCCL_SOCKET_IFNAME "
                                    "names the network interface to use",
                                    ncclGetErrorString(result), ncclGetLastError(nullptr))};
      endpoint.abort(error);
      return tl::unexpected<Error>(error);
    }
  }
  // Before any other meeting of the run, which count from 0.
  const Appointment appointment{-1, "NCCL's unique id", patience_ns};
  PIPELOOM_TRY(const std::vector<std::byte> bytes, spread(endpoint, appointment, bytes_of_value(id)));
  if (bytes.size() != sizeof id) {
    return fail(ErrorCode::kIo,
                fmt::format("NCCL's unique id has {} bytes; {} were sent: the ranks run different builds", sizeof id,
                            bytes.size()));
  }
  return values_of_bytes<ncclUniqueId>(bytes).front();
}

}  // namespace pipeloom::backend
