#pragma once

#include "core/result.h"
#include "core/trace.h"

namespace pipeloom {

// Where a run's spans go, one after the other. One thread at a time.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual Status add(const Span& span) = 0;
};

}  // namespace pipeloom
