#include "tests/backend/transport/free_port.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"

namespace pipeloom::tests {

int free_port() {
  const int handle = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  PIPELOOM_THROW_UNLESS(bind(handle, reinterpret_cast<sockaddr*>(&address), size) == 0);
  PIPELOOM_THROW_UNLESS(getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(handle);
  return ntohs(address.sin_port);
}

}  // namespace pipeloom::tests
