#include "backend/runtime/training/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

constexpr char kKind[] = "pipeloom checkpoint 2\n";  // with its format version

struct Header {
  uint64_t plan_digest = 0;
  uint64_t options_digest = 0;
  int64_t steps = 0;
  int64_t rank = 0;
  int64_t ranks = 0;
};

Header header_of(const CheckpointIdentity& identity, int64_t steps) {
  return {identity.plan_digest, identity.options_digest, steps, identity.rank, identity.ranks};
}

template <typename Value>
void append(std::string& content, std::span<const Value> values) {
  content.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

uint64_t digest_of(std::string_view content) {
  Digest digest;
  digest.add_bytes(content);
  return digest.value();
}

Status check_header(const Header& found, const Header& expected) {
  const auto check = [](const char* what, auto value, auto wanted) -> Status {
    if (value == wanted) return {};
    return invalid(fmt::format("the checkpoint's {} is {}; this run's is {}", what, value, wanted));
  };
  PIPELOOM_RETURN_IF_ERROR(check("plan digest", found.plan_digest, expected.plan_digest));
  PIPELOOM_RETURN_IF_ERROR(check("digest of options and text", found.options_digest, expected.options_digest));
  PIPELOOM_RETURN_IF_ERROR(check("step", found.steps, expected.steps));
  PIPELOOM_RETURN_IF_ERROR(check("rank", found.rank, expected.rank));
  return check("number of ranks", found.ranks, expected.ranks);
}

template <typename Function>
void for_each_array(const std::vector<std::unique_ptr<ChunkRun>>& chunks, const Function& function) {
  for (const auto& chunk : chunks) {
    ChunkState& state = chunk->state();
    function(std::as_writable_bytes(state.weights()));
    for (Moments& moments : state.moments()) function(moments.bytes());
    for (std::vector<float>& average : state.averages()) function(std::as_writable_bytes(std::span(average)));
  }
}

}  // namespace

CheckpointIdentity checkpoint_identity(const Plan& plan, const TextTokens& text, const TrainingOptions& options,
                                       int rank) {
  Digest digest;
  digest.add(options.check, options.seed, text.digest());
  for (const double number : {options.adam.learning_rate, options.adam.first_decay, options.adam.second_decay,
                              options.adam.epsilon, options.adam.weight_decay, plan.job.clip_norm}) {
    digest.add(std::bit_cast<uint64_t>(number));
  }
  return {plan.task_digest, digest.value(), rank, plan.job.layout.pipeline * plan.job.layout.data};
}

std::string write_checkpoint(const CheckpointIdentity& identity, int64_t steps,
                             const std::vector<std::unique_ptr<ChunkRun>>& chunks) {
  std::string content = kKind;
  const Header header = header_of(identity, steps);
  append(content, std::span(&header, 1));
  for_each_array(chunks, [&](std::span<const std::byte> bytes) { append(content, bytes); });
  const uint64_t digest = digest_of(content);
  append(content, std::span(&digest, 1));
  return content;
}

Status read_checkpoint(const std::string& content, const CheckpointIdentity& identity, int64_t steps,
                       const std::vector<std::unique_ptr<ChunkRun>>& chunks) {
  size_t size = sizeof kKind - 1 + sizeof(Header) + sizeof(uint64_t);
  if (!content.starts_with(kKind)) return invalid("it is not a pipeloom checkpoint of version 2");
  if (content.size() < size) return invalid("the checkpoint is cut off");
  Header header;
  size_t place = sizeof kKind - 1;
  std::memcpy(&header, content.data() + place, sizeof header);
  PIPELOOM_RETURN_IF_ERROR(check_header(header, header_of(identity, steps)));
  for_each_array(chunks, [&](std::span<const std::byte> bytes) { size += bytes.size(); });
  if (content.size() != size) {
    return invalid(fmt::format("the checkpoint has {} bytes; expected are {}", content.size(), size));
  }
  uint64_t digest = 0;
  std::memcpy(&digest, content.data() + size - sizeof digest, sizeof digest);
  if (digest != digest_of(std::string_view(content).substr(0, size - sizeof digest))) {
    return invalid("the checkpoint is damaged: its digest is wrong");
  }
  place += sizeof header;
  for_each_array(chunks, [&](std::span<std::byte> bytes) {
    const auto stored = std::as_bytes(std::span(content)).subspan(place, bytes.size());
    std::ranges::copy(stored, bytes.begin());
    place += stored.size();
  });
  return {};
}

std::string checkpoint_name(int64_t steps, int rank) {
  return fmt::format("step{}.rank{}", steps, rank);
}

}  // namespace pipeloom::backend
