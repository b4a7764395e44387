#pragma once

namespace pipeloom::emulation {

void reset_products();

}  // namespace pipeloom::emulation
