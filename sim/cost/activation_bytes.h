#pragma once

namespace pipeloom::sim {

// Activations in bytes, before they are rounded: what F saves, and what W still needs after I.
struct ActivationBytes {
  double total = 0;
  double kept = 0;

  ActivationBytes& operator+=(const ActivationBytes& other) {
    total += other.total;
    kept += other.kept;
    return *this;
  }
};

}  // namespace pipeloom::sim
