#pragma once

#include <span>
#include <vector>

#include "core/result.h"
#include "core/trace.h"

namespace pipeloom {

namespace proto {
class Spans;
}

void store_spans(std::span<const Span> spans, proto::Spans* columns);
Result<std::vector<Span>> load_spans(const proto::Spans& columns);

}  // namespace pipeloom
