#pragma once

#include <string>

#include "backend/cli/start.h"
#include "backend/transport/tcp/tcp_endpoint.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// The variables that say what the processes of a run over TCP prove to each other: the secret itself, or a file that
// holds it. Arguments would be seen by everyone on the machine.
inline constexpr const char* kSecretVariable = "PIPELOOM_SECRET";
inline constexpr const char* kSecretFileVariable = "PIPELOOM_SECRET_FILE";

// Returns the run's secret; empty if there is none. Refuses a file that another user owns or can read or write, and a
// secret that could be guessed.
Result<std::string> run_secret(const Environment& environment);

// The same world with the run's secret. Without one all ranks must be on this machine, and meet on its loopback.
Result<TcpWorld> secured(TcpWorld world, const Environment& environment);

}  // namespace pipeloom::backend
