#include "backend/runtime/messages/collect.h"

#include "backend/runtime/messages/gather.h"

namespace pipeloom::backend {

namespace {

MessageTag tag_of(int64_t number) {
  return {static_cast<int32_t>(number), 0, 0, 0};
}

}  // namespace

Result<std::vector<std::vector<std::byte>>> collect(Endpoint& endpoint, const Appointment& appointment,
                                                    std::vector<std::byte> bytes) {
  const MessageTag tag = tag_of(appointment.number);
  std::vector<std::vector<std::byte>> all;
  if (endpoint.rank() != 0) {
    endpoint.send(0, Channel::kControl, {tag, 0, std::move(bytes)});
    return all;
  }
  Gather gather;
  for (int rank = 1; rank < endpoint.ranks(); ++rank) gather.expect(rank, Channel::kControl, tag);
  PIPELOOM_RETURN_IF_ERROR(gather.wait(endpoint, appointment.patience_ns, appointment.what));
  all.push_back(std::move(bytes));
  for (int rank = 1; rank < endpoint.ranks(); ++rank) all.push_back(std::move(gather.message(rank - 1).bytes));
  return all;
}

Result<std::vector<std::byte>> spread(Endpoint& endpoint, const Appointment& appointment,
                                      std::vector<std::byte> bytes) {
  const MessageTag tag = tag_of(appointment.number);
  if (endpoint.rank() == 0) {
    for (int rank = 1; rank < endpoint.ranks(); ++rank) {
      endpoint.send(rank, Channel::kControl, {tag, 0, bytes});
    }
    return bytes;
  }
  Gather gather;
  gather.expect(0, Channel::kControl, tag);
  PIPELOOM_RETURN_IF_ERROR(gather.wait(endpoint, appointment.patience_ns, appointment.what));
  return std::move(gather.message(0).bytes);
}

}  // namespace pipeloom::backend
