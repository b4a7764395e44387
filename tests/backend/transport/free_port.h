#pragma once

namespace pipeloom::tests {

// A port of this machine that nobody listens on, for now.
int free_port();

}  // namespace pipeloom::tests
