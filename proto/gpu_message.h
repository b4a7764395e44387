#pragma once

#include "core/gpu.h"

namespace pipeloom {

namespace proto {
class Gpu;
}

void store_gpu(const Gpu& gpu, proto::Gpu* message);
// Checked as far as a GPU alone can be.
Result<Gpu> load_gpu(const proto::Gpu& message);

}  // namespace pipeloom
