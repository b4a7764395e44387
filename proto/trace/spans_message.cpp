#include "proto/trace/spans_message.h"

#include <algorithm>
#include <unordered_map>

#include "proto/base/columns.h"
#include "proto/base/wrapping.h"
#include "proto/trace/execution_columns.h"
#include "proto/trace/trace.pb.h"

namespace pipeloom::proto {

namespace {

static_assert(static_cast<int>(Component::kStage) == message::STAGE);
static_assert(static_cast<int>(Component::kEmbed) == message::EMBED);
static_assert(static_cast<int>(Component::kAttention) == message::ATTENTION);
static_assert(static_cast<int>(Component::kRouter) == message::ROUTER);
static_assert(static_cast<int>(Component::kDispatch) == message::DISPATCH);
static_assert(static_cast<int>(Component::kExperts) == message::EXPERTS);
static_assert(static_cast<int>(Component::kMlp) == message::MLP);
static_assert(static_cast<int>(Component::kCombine) == message::COMBINE);
static_assert(static_cast<int>(Component::kHead) == message::HEAD);
static_assert(static_cast<int>(Component::kWait) == message::WAIT);
static_assert(static_cast<int>(TaskKind::kComponent) == message::COMPONENT);
static_assert(static_cast<int>(TaskKind::kSend) == message::SEND);
static_assert(static_cast<int>(TaskKind::kReceive) == message::RECEIVE);
static_assert(static_cast<int>(TaskKind::kGradientReduction) == message::GRADIENT_REDUCTION);
static_assert(static_cast<int>(TaskKind::kOptimizer) == message::OPTIMIZER);
static_assert(static_cast<int>(TaskKind::kNorm) == message::NORM);
static_assert(static_cast<int>(TaskKind::kEma) == message::EMA);
static_assert(static_cast<int>(Lane::kCompute) == message::COMPUTE);
static_assert(static_cast<int>(Lane::kEp) == message::EP);
static_assert(static_cast<int>(Lane::kP2p) == message::P2P);
static_assert(static_cast<int>(Lane::kDp) == message::DP);
static_assert(static_cast<int>(Lane::kHost) == message::HOST);

constexpr uint32_t kLaneFactor = 8;  // more than there are passes

// What the next span of a rank's lane, in one replica, is written against.
struct Before {
  int32_t slot = 0;
  int32_t layer = 0;
  int64_t end_ns = 0;
};

class Memory {
 public:
  Before& of(const Span& span) {
    const uint64_t rank_and_lane =
        static_cast<uint64_t>(static_cast<uint32_t>(span.key.rank)) << 8 | static_cast<uint8_t>(span.lane);
    return of_replica_[span.replica][rank_and_lane];
  }

 private:
  std::unordered_map<int32_t, std::unordered_map<uint64_t, Before>> of_replica_;
};

Status check_sizes(const message::Spans& columns) {
  const int size = columns.rank_size();
  PIPELOOM_RETURN_IF_ERROR(check_column_size("slot_step", columns.slot_step_size(), size));
  PIPELOOM_RETURN_IF_ERROR(check_column_size("layer_step", columns.layer_step_size(), size));
  PIPELOOM_RETURN_IF_ERROR(check_column_size("component", columns.component_size(), size));
  PIPELOOM_RETURN_IF_ERROR(check_column_size("lane_and_pass", columns.lane_and_pass_size(), size));
  PIPELOOM_RETURN_IF_ERROR(check_column_size("begin_step_ns", columns.begin_step_ns_size(), size));
  if (columns.kind_size() > 0) PIPELOOM_RETURN_IF_ERROR(check_column_size("kind", columns.kind_size(), size));
  return check_column_size("duration_ns", columns.duration_ns_size(), size);
}

template <typename Enum>
Status load_enum(const char* name, int64_t value, Enum last, Enum& target) {
  if (value < 0 || value > static_cast<int64_t>(last)) {
    return invalid(fmt::format("{} is {}; allowed are 0 to {}", name, value, static_cast<int>(last)));
  }
  target = static_cast<Enum>(value);
  return {};
}

Status load_span(const message::Spans& columns, int i, Memory& memory, Span& span) {
  span.key.rank = columns.rank(i);
  PIPELOOM_RETURN_IF_ERROR(load_enum("component", columns.component(i), Component::kWait, span.key.component));
  PIPELOOM_RETURN_IF_ERROR(load_enum("pass", columns.lane_and_pass(i) % kLaneFactor, SlotKind::kFB, span.key.pass));
  PIPELOOM_RETURN_IF_ERROR(load_enum("lane", columns.lane_and_pass(i) / kLaneFactor, Lane::kHost, span.lane));
  if (columns.kind_size() > 0) {
    PIPELOOM_RETURN_IF_ERROR(load_enum("kind", columns.kind(i), TaskKind::kEma, span.key.kind));
  }
  Before& before = memory.of(span);
  span.key.slot = wrapping_advance<int32_t>(before.slot, columns.slot_step(i));
  span.key.layer = wrapping_advance<int32_t>(before.layer, columns.layer_step(i));
  span.begin_ns = wrapping_advance<int64_t>(before.end_ns, columns.begin_step_ns(i));
  span.end_ns = wrapping_advance<int64_t>(span.begin_ns, static_cast<int64_t>(columns.duration_ns(i)));
  if (span.end_ns < span.begin_ns) {
    return invalid(fmt::format("a span ends at {} ns, before it begins ({} ns)", span.end_ns, span.begin_ns));
  }
  before = {span.key.slot, span.key.layer, span.end_ns};
  return {};
}

}  // namespace

void store_spans(std::span<const Span> spans, message::Spans* columns) {
  Memory memory;
  const bool all_components =
      std::ranges::all_of(spans, [](const Span& span) { return span.key.kind == TaskKind::kComponent; });
  for (const Span& span : spans) {
    if (!all_components) columns->add_kind(static_cast<message::TaskKind>(span.key.kind));
    Before& before = memory.of(span);
    columns->add_rank(span.key.rank);
    columns->add_slot_step(wrapping_step(before.slot, span.key.slot));
    columns->add_layer_step(wrapping_step(before.layer, span.key.layer));
    columns->add_component(static_cast<message::Component>(span.key.component));
    columns->add_lane_and_pass(static_cast<uint32_t>(span.lane) * kLaneFactor + static_cast<uint32_t>(span.key.pass));
    columns->add_begin_step_ns(wrapping_step(before.end_ns, span.begin_ns));
    columns->add_duration_ns(static_cast<uint64_t>(wrapping_step(span.begin_ns, span.end_ns)));
    before = {span.key.slot, span.key.layer, span.end_ns};
  }
  store_execution(spans, columns);
}

Result<std::vector<Span>> load_spans(const message::Spans& columns) {
  PIPELOOM_RETURN_IF_ERROR(check_sizes(columns));
  Memory memory;
  std::vector<Span> spans(columns.rank_size());
  PIPELOOM_RETURN_IF_ERROR(load_replicas(columns, spans));
  for (int i = 0; i < columns.rank_size(); ++i) PIPELOOM_RETURN_IF_ERROR(load_span(columns, i, memory, spans[i]));
  PIPELOOM_RETURN_IF_ERROR(load_execution(columns, spans));
  return spans;
}

}  // namespace pipeloom::proto
