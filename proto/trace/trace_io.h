#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/result.h"
#include "core/tasks/trace.h"
#include "proto/base/files.h"

namespace pipeloom::proto {

// Replaces the file at `path`, or leaves it as it was.
Status write_trace(const std::string& path, const Trace& trace);
Result<Trace> read_trace(const std::string& path);

// What a trace says before its spans, as in Trace.
struct TraceHeader {
  std::string name;
  uint64_t plan_digest = 0;
  int64_t clock_error_ns = 0;
};

// Writes a trace span by span and holds one block of them. The file appears, complete, on close. One thread at a time.
class TraceWriter {
 public:
  static constexpr size_t kBlockSpans = 4096;  // about 50 kB on disk

  static Result<TraceWriter> create(const std::string& path, const TraceHeader& header);

  Status add(const Span& span);
  // REQUIRES: nothing is added after it.
  Status close();

 private:
  explicit TraceWriter(AtomicFile file) : file_(std::move(file)) {}
  Status flush();
  Status append(std::string_view bytes);
  Status append_checksum();

  AtomicFile file_;
  Digest written_;  // of all bytes so far
  std::vector<Span> block_;
};

// Reads a trace block by block, and holds each against its checksum; holds the file (a fraction of its spans in
// memory).
class TraceReader {
 public:
  static Result<TraceReader> open(const std::string& path);
  TraceReader(TraceReader&&) noexcept;
  ~TraceReader();

  const std::string& name() const;
  uint64_t plan_digest() const;
  int64_t clock_error_ns() const;

  // The next block, in the order of writing; empty after the last.
  Result<std::vector<Span>> next();

 private:
  struct State;
  explicit TraceReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace pipeloom::proto
