#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <vector>

#include "backend/transport/tcp/tcp_endpoint.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// One connection to every other rank, [rank]; its own entry is not open. Every rank calls it; fails on all that are
// there where not all have come within `patience_ns`, or where they don't agree on how many they are.
Result<std::vector<boost::asio::ip::tcp::socket>> rendezvous(boost::asio::io_context& io, const TcpWorld& world,
                                                             int64_t patience_ns);

}  // namespace pipeloom::backend
