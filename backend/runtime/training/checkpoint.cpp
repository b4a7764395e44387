#include "backend/runtime/training/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

// With their format versions. The second has no facts.
constexpr std::string_view kKind = "pipeloom checkpoint 3\n";
constexpr std::string_view kSecondKind = "pipeloom checkpoint 2\n";

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

// What the content says before the numbers.
struct Beginning {
  Header header;
  std::vector<Fact> facts;
  bool has_facts = false;
  size_t size = 0;  // of all of it
};

template <typename Value>
bool take(std::string_view* rest, Value& value) {
  if (rest->size() < sizeof value) return false;
  std::memcpy(&value, rest->data(), sizeof value);
  rest->remove_prefix(sizeof value);
  return true;
}

Result<Beginning> read_beginning(std::string_view content) {
  Beginning beginning;
  std::string_view rest = content;
  beginning.has_facts = rest.starts_with(kKind);
  if (!beginning.has_facts && !rest.starts_with(kSecondKind)) {
    return invalid("it is not a pipeloom checkpoint of version 2 or 3");
  }
  rest.remove_prefix(kKind.size());
  if (!take(&rest, beginning.header)) return invalid("the checkpoint is cut off");
  if (beginning.has_facts) {
    uint64_t size = 0;
    if (!take(&rest, size) || rest.size() < size) return invalid("the checkpoint is cut off");
    PIPELOOM_TRY(beginning.facts, facts_of(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
  beginning.size = content.size() - rest.size();
  return beginning;
}

Status check_beginning(const Beginning& found, const CheckpointIdentity& identity, int64_t steps) {
  const std::string otherwise = found.has_facts ? differences(found.facts, identity.facts) : "";
  if (!otherwise.empty()) return invalid(fmt::format("its run had {}: go on with what it was started with", otherwise));
  return check_header(found.header, header_of(identity, steps));
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

std::vector<Fact> number_facts(const Plan& plan, const TextTokens& text, const TrainingOptions& options) {
  return {{"the plan", fmt::format("{:016x}", plan.task_digest)},
          {"the text", fmt::format("{:016x}", text.digest())},
          {"--learning-rate", fmt::format("{}", options.adam.learning_rate)},
          {"--seed", fmt::format("{}", options.seed)},
          {"--check", options.check ? "on" : "off"},
          {"clip_norm", fmt::format("{}", plan.job.clip_norm)}};
}

CheckpointIdentity checkpoint_identity(const Plan& plan, const TextTokens& text, const TrainingOptions& options,
                                       int rank) {
  Digest digest;
  digest.add(options.check, options.seed, text.digest());
  for (const double number : {options.adam.learning_rate, options.adam.first_decay, options.adam.second_decay,
                              options.adam.epsilon, options.adam.weight_decay, plan.job.clip_norm}) {
    digest.add(std::bit_cast<uint64_t>(number));
  }
  return {plan.task_digest, digest.value(), number_facts(plan, text, options), rank,
          plan.job.layout.pipeline * plan.job.layout.data};
}

Result<std::string> write_checkpoint(const CheckpointIdentity& identity, int64_t steps,
                                     const std::vector<std::unique_ptr<ChunkRun>>& chunks) {
  const bool finite = std::ranges::all_of(chunks, [](const auto& chunk) {
    return std::ranges::all_of(chunk->state().weights(), [](float weight) { return std::isfinite(weight); });
  });
  if (!finite) {
    return invalid(
        fmt::format("rank {} has weights that are not finite after step {}: the run ends without a "
                    "checkpoint of them",
                    identity.rank, steps));
  }
  std::string content(kKind);
  const Header header = header_of(identity, steps);
  append(content, std::span(&header, 1));
  const std::string facts = text_of(identity.facts);
  const uint64_t facts_size = facts.size();
  append(content, std::span(&facts_size, 1));
  content += facts;
  for_each_array(chunks, [&](std::span<const std::byte> bytes) { append(content, bytes); });
  const uint64_t digest = digest_of(content);
  append(content, std::span(&digest, 1));
  return content;
}

Status read_checkpoint(const std::string& content, const CheckpointIdentity& identity, int64_t steps,
                       const std::vector<std::unique_ptr<ChunkRun>>& chunks) {
  PIPELOOM_TRY(const Beginning beginning, read_beginning(content));
  PIPELOOM_RETURN_IF_ERROR(check_beginning(beginning, identity, steps));
  size_t size = beginning.size + sizeof(uint64_t);
  for_each_array(chunks, [&](std::span<const std::byte> bytes) { size += bytes.size(); });
  if (content.size() != size) {
    return invalid(fmt::format("the checkpoint has {} bytes; expected are {}", content.size(), size));
  }
  uint64_t digest = 0;
  std::memcpy(&digest, content.data() + size - sizeof digest, sizeof digest);
  if (digest != digest_of(std::string_view(content).substr(0, size - sizeof digest))) {
    return invalid("the checkpoint is damaged: its digest is wrong");
  }
  size_t place = beginning.size;
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

std::optional<CheckpointPart> checkpoint_part(std::string_view name) {
  CheckpointPart part;
  const auto number = [&](std::string_view before, auto& value) {
    if (!name.starts_with(before)) return false;
    name.remove_prefix(before.size());
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
    name.remove_prefix(static_cast<size_t>(end - name.data()));
    return error == std::errc() && value >= 0;
  };
  if (!number("step", part.steps) || !number(".rank", part.rank) || !name.empty()) return std::nullopt;
  return part;
}

}  // namespace pipeloom::backend
