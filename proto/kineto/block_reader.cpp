#include "proto/kineto/block_reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pipeloom::proto {

namespace {

constexpr size_t kBlock = size_t{1} << 20;

gzFile gz(void* file) {
  return static_cast<gzFile>(file);
}

}  // namespace

void BlockReader::Closer::operator()(void* file) const {
  gzclose(gz(file));
}

Result<BlockReader> BlockReader::open(const std::string& path) {
  errno = 0;
  void* file = gzopen(path.c_str(), "rbe");
  if (file == nullptr) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("can't read {}: {}", path, std::strerror(errno == 0 ? ENOMEM : errno)));
  }
  gzbuffer(gz(file), kBlock / 4);
  return BlockReader(file);
}

BlockReader::BlockReader(void* file) : file_(file), block_(kBlock + 1) {
  end_ = next_ = block_.data();
  refill();
}

void BlockReader::refill() {
  if (ended_) {
    next_ = end_ = block_.data() + block_.size() - 1;  // a zero, again and again
    --next_;
    return;
  }
  const char* begin = block_.data();
  for (const char* it = begin; (it = std::find(it, end_, '\n')) != end_; ++it) {
    ++lines_before_;
    line_begin_ = before_ + static_cast<size_t>(it - begin) + 1;
  }
  before_ += static_cast<size_t>(end_ - begin);
  int count = 0;
  if (before_ - last_end_ > kMostBytes) {
    problem_ = fmt::format("a value is longer than {} bytes", kMostBytes);
  } else {
    count = gzread(gz(file_.get()), block_.data(), kBlock);
    int code = Z_OK;
    const char* message = gzerror(gz(file_.get()), &code);
    if (count < 0 || code == Z_BUF_ERROR) problem_ = code == Z_ERRNO ? std::strerror(errno) : message;
  }
  count = std::max(count, 0);
  if (count == 0) {
    ended_ = true;
    block_.assign(2, '\0');
    next_ = block_.data();
    end_ = next_ + 1;
    return;
  }
  block_[count] = '\0';
  next_ = block_.data();
  end_ = next_ + count;
}

bool BlockReader::gzipped() const {
  return gzdirect(gz(file_.get())) == 0;
}

size_t BlockReader::line() const {
  return 1 + lines_before_ + static_cast<size_t>(std::count(block_.data(), next_, '\n'));
}

size_t BlockReader::column() const {
  for (const char* it = next_; it != block_.data(); --it) {
    if (it[-1] == '\n') return static_cast<size_t>(next_ - it) + 1;
  }
  return Tell() - line_begin_ + 1;
}

}  // namespace pipeloom::proto
