#pragma once

#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/trace.h"

namespace pipeloom::message {

class Spans;

}  // namespace pipeloom::message

namespace pipeloom::proto {

void store_spans(std::span<const Span> spans, message::Spans* columns);
Result<std::vector<Span>> load_spans(const message::Spans& columns);

}  // namespace pipeloom::proto
