#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

// A file, gzipped or not, as the input stream that RapidJSON reads from (Peek, Take, Tell), one piece at a time.
// After the end, and after an error, it yields zeros.
class BlockReader {
 public:
  using Ch = char;

  static Result<BlockReader> open(const std::string& path);

  char Peek() const { return *next_; }
  char Take() {
    const char taken = *next_;
    if (++next_ == end_) refill();
    return taken;
  }
  size_t Tell() const { return before_ + static_cast<size_t>(next_ - block_.data()); }

  // RapidJSON asks for these of streams that are written to; this one is not.
  char* PutBegin() { return nullptr; }
  void Put(char) {}
  size_t PutEnd(char*) { return 0; }

  bool gzipped() const;
  // Where the reader is, from 1.
  size_t line() const;
  size_t column() const;

  // A value may be at most so long: one that never ends must not fill the memory. To be told where values end.
  static constexpr size_t kMostBytes = size_t{1} << 24;
  void value_ended() { last_end_ = Tell(); }

  // What went wrong with the file itself, not with what it says; empty: nothing.
  const std::string& problem() const { return problem_; }

 private:
  struct Closer {
    void operator()(void* file) const;
  };
  explicit BlockReader(void* file);
  void refill();

  std::unique_ptr<void, Closer> file_;  // gzFile
  std::vector<char> block_;
  const char* next_ = nullptr;
  const char* end_ = nullptr;  // a zero stands there
  size_t before_ = 0;          // bytes before the block
  size_t lines_before_ = 0;
  size_t line_begin_ = 0;  // of the last line that began before the block
  size_t last_end_ = 0;
  bool ended_ = false;
  std::string problem_;
};

}  // namespace pipeloom::proto
