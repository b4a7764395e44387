#pragma once

#include "core/job/gpu.h"

namespace pipeloom::message {

class Gpu;

}  // namespace pipeloom::message

namespace pipeloom::proto {

void store_gpu(const Gpu& gpu, message::Gpu* message);
// Checked as far as a GPU alone can be.
Result<Gpu> load_gpu(const message::Gpu& message);

}  // namespace pipeloom::proto
