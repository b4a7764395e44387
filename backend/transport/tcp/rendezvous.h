#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <vector>

#include "backend/transport/tcp/tcp_endpoint.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// One connection to every other rank, [rank]; its own entry is not open. Every rank calls it; fails on all that are
// there where not all have come within `patience_ns`, or where members of the run don't agree on how many they are.
// Both ends of every connection have proven that they belong to the run (handshake.h). Whoever has not is dropped:
// `on_remark` is told.
Result<std::vector<boost::asio::ip::tcp::socket>> rendezvous(boost::asio::io_context& io, const TcpWorld& world,
                                                             int64_t patience_ns,
                                                             const std::function<void(const std::string&)>& on_remark);

}  // namespace pipeloom::backend
