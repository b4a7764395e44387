#include "proto/trace/trace_io.h"

#include <fmt/format.h>

#include "proto/base/version.h"
#include "proto/base/wire.h"
#include "proto/trace/spans_message.h"
#include "proto/trace/trace.pb.h"

namespace pipeloom::proto {

// Messages written one after the other are one message: header, blocks and end are written, and read, apart.

Result<TraceWriter> TraceWriter::create(const std::string& path, const TraceHeader& header) {
  PIPELOOM_TRY(AtomicFile file, AtomicFile::create(path));
  message::Trace message;
  message.set_kind(std::string(kTraceKind));
  message.set_format_version(kFormatVersion);
  message.set_name(header.name);
  message.set_plan_digest(header.plan_digest);
  message.set_clock_error_ns(header.clock_error_ns);
  TraceWriter writer(std::move(file));
  PIPELOOM_RETURN_IF_ERROR(writer.append(message.SerializeAsString()));
  PIPELOOM_RETURN_IF_ERROR(writer.append_checksum());
  return writer;
}

Status TraceWriter::append(std::string_view bytes) {
  written_.add_bytes(bytes);
  return file_.append(bytes);
}

Status TraceWriter::append_checksum() {
  message::Trace part;
  part.set_checksum(written_.value());
  return append(part.SerializeAsString());
}

Status TraceWriter::add(const Span& span) {
  block_.push_back(span);
  return block_.size() < kBlockSpans ? Status() : flush();
}

Status TraceWriter::flush() {
  if (block_.empty()) return {};
  message::Trace part;
  store_spans(block_, part.add_blocks());
  block_.clear();
  PIPELOOM_RETURN_IF_ERROR(append(part.SerializeAsString()));
  return append_checksum();
}

Status TraceWriter::close() {
  PIPELOOM_RETURN_IF_ERROR(flush());
  message::Trace end;
  end.set_complete(true);
  PIPELOOM_RETURN_IF_ERROR(append(end.SerializeAsString()));
  return file_.commit();
}

struct TraceReader::State {
  std::string path;
  std::string content;
  std::string_view rest;  // of content, not read yet
  message::Trace trace;   // its fields so far, without the blocks
  int64_t spans = 0;      // so far
  Digest read;            // of all bytes so far
  bool checked = false;   // the file has checksums, and the bytes so far are those that were written

  // From the begin of the file.
  void rewind() {
    rest = content;
    read = {};
    checked = false;
  }
  // The next block's bytes; empty at the end of the file.
  Result<std::string_view> next_block();
  // Takes the checksum that stands next. Files of before have none.
  Status take_checksum();
  tl::unexpected<Error> damaged() const {
    return invalid(fmt::format("{} is cut off or damaged after {} spans", path, spans));
  }
};

Status TraceReader::State::take_checksum() {
  std::string_view after = rest;
  const std::optional<WireField> field = after.empty() ? std::nullopt : take_field(&after);
  if (!field || field->tag != fixed64_tag(message::Trace::kChecksumFieldNumber)) {
    return checked ? Status(damaged()) : Status();
  }
  if (field->number != read.value()) return damaged();
  checked = true;
  read.add_bytes(field->bytes);
  rest = after;
  return {};
}

Result<std::string_view> TraceReader::State::next_block() {
  while (!rest.empty()) {
    const std::optional<WireField> field = take_field(&rest);
    if (!field) return damaged();
    read.add_bytes(field->bytes);
    if (field->tag == length_delimited_tag(message::Trace::kBlocksFieldNumber)) {
      PIPELOOM_RETURN_IF_ERROR(take_checksum());
      return field->content;
    }
    // After a checksum come a block or the end, and nothing that could not be held against one.
    if (checked && field->tag != varint_tag(message::Trace::kCompleteFieldNumber)) return damaged();
    if (!merge_fields(field->bytes, &trace)) return damaged();
    if (!checked) PIPELOOM_RETURN_IF_ERROR(take_checksum());
  }
  if (!trace.complete()) return damaged();
  return std::string_view();
}

TraceReader::TraceReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader::~TraceReader() = default;

Result<TraceReader> TraceReader::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  PIPELOOM_TRY(state->content, read_file(path));
  PIPELOOM_RETURN_IF_ERROR(check_header(path, state->content, kTraceKind));
  // The header's fields come before the first block.
  state->rewind();
  PIPELOOM_TRY([[maybe_unused]] const std::string_view first, state->next_block());
  state->rewind();
  return TraceReader(std::move(state));
}

const std::string& TraceReader::name() const {
  return state_->trace.name();
}
uint64_t TraceReader::plan_digest() const {
  return state_->trace.plan_digest();
}
int64_t TraceReader::clock_error_ns() const {
  return state_->trace.clock_error_ns();
}

Result<std::vector<Span>> TraceReader::next() {
  PIPELOOM_TRY(const std::string_view block, state_->next_block());
  if (block.empty()) return std::vector<Span>();
  message::Spans columns;
  if (!merge_fields(block, &columns)) return state_->damaged();
  auto spans = load_spans(columns);
  if (!spans) return tl::unexpected(in_file(state_->path, spans.error()));
  state_->spans += static_cast<int64_t>(spans->size());
  return spans;
}

Status write_trace(const std::string& path, const Trace& trace) {
  PIPELOOM_TRY(TraceWriter writer, TraceWriter::create(path, {trace.name, trace.plan_digest, trace.clock_error_ns}));
  for (const Span& span : trace.spans) PIPELOOM_RETURN_IF_ERROR(writer.add(span));
  return writer.close();
}

Result<Trace> read_trace(const std::string& path) {
  PIPELOOM_TRY(TraceReader reader, TraceReader::open(path));
  Trace trace{reader.name(), reader.plan_digest(), {}, reader.clock_error_ns()};
  while (true) {
    PIPELOOM_TRY(const std::vector<Span> block, reader.next());
    if (block.empty()) return trace;
    trace.spans.insert(trace.spans.end(), block.begin(), block.end());
  }
}

}  // namespace pipeloom::proto
