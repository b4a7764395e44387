#pragma once

#include <string>

#include "core/job/gpu.h"

namespace pipeloom::backend {

// The text of a GPU file with the rates of `tuned` in place of its own, comments kept: a field that the file has is
// replaced, one that it lacks is added. `origin` becomes the comment of each. REQUIRES: the text is a GPU file with
// rates.
std::string with_tuned_rates(const std::string& text, const Gpu& tuned, const std::string& origin);

}  // namespace pipeloom::backend
