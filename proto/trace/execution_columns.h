#pragma once

#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/trace.h"

namespace pipeloom::message {

class Spans;

}  // namespace pipeloom::message

namespace pipeloom::proto {

// What only executed spans have: replica, when they were issued, what they waited for, bytes. Columns in which every
// entry would be 0 are left out, as predicted traces and older files leave them out.
void store_execution(std::span<const Span> spans, message::Spans* columns);
// Into spans whose other fields are there.
Status load_execution(const message::Spans& columns, std::vector<Span>& spans);
// The replicas alone: nothing else of a span can be read without knowing whose it is.
Status load_replicas(const message::Spans& columns, std::vector<Span>& spans);

}  // namespace pipeloom::proto
