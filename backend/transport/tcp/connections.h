#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <vector>

#include "backend/transport/message_limits.h"
#include "backend/transport/tcp/tcp_endpoint.h"

namespace pipeloom::backend {

// The endpoint of rank `rank` over its connections, [rank], as rendezvous() returns them; they are `io`'s.
std::unique_ptr<TcpEndpoint> endpoint_over(std::unique_ptr<boost::asio::io_context> io,
                                           std::vector<boost::asio::ip::tcp::socket> sockets, int rank,
                                           const MessageLimits& limits);

}  // namespace pipeloom::backend
