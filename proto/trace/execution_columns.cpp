#include "proto/trace/execution_columns.h"

#include <algorithm>

#include "proto/base/columns.h"
#include "proto/base/wrapping.h"
#include "proto/trace/trace.pb.h"

namespace pipeloom::proto {

namespace {

static_assert(static_cast<int>(WaitKind::kNone) == message::NONE);
static_assert(static_cast<int>(WaitKind::kTask) == message::TASK);
static_assert(static_cast<int>(WaitKind::kMessage) == message::MESSAGE);
static_assert(static_cast<int>(WaitKind::kCredit) == message::CREDIT);
static_assert(static_cast<int>(WaitKind::kMember) == message::MEMBER);

constexpr uint32_t kKindFactor = 8;  // more than there are passes

template <typename Value, typename Column>
void store_unless_zero(std::span<const Span> spans, Value Span::*member, Column* column) {
  if (std::ranges::all_of(spans, [&](const Span& span) { return span.*member == 0; })) return;
  for (const Span& span : spans) column->Add(static_cast<typename Column::value_type>(span.*member));
}

template <typename Value, typename Column>
Status load_if_there(std::string_view name, const Column& column, Value Span::*member, std::vector<Span>& spans) {
  return column.empty() ? Status() : load_column(name, column, member, spans);
}

void store_task(const TaskKey& task, message::Spans* columns) {
  columns->add_wait_layer(task.layer);
  columns->add_wait_component(static_cast<uint32_t>(task.component));
  columns->add_wait_kind_and_pass(static_cast<uint32_t>(task.kind) * kKindFactor + static_cast<uint32_t>(task.pass));
}

void store_waits(std::span<const Span> spans, message::Spans* columns) {
  if (std::ranges::all_of(spans, [](const Span& span) { return span.wait.kind == WaitKind::kNone; })) return;
  for (const Span& span : spans) {
    columns->add_wait(static_cast<message::WaitKind>(span.wait.kind));
    if (span.wait.kind == WaitKind::kNone) continue;
    const bool for_task = span.wait.kind == WaitKind::kTask;
    columns->add_wait_rank_or_slot(for_task ? wrapping_step(span.key.slot, span.wait.task.slot) : span.wait.rank);
    if (for_task) store_task(span.wait.task, columns);
  }
}

template <typename Enum>
Status set_enum(const char* name, uint32_t value, Enum last, Enum& target) {
  if (value > static_cast<uint32_t>(last)) {
    return invalid(fmt::format("{} is {}; allowed are 0 to {}", name, value, static_cast<int>(last)));
  }
  target = static_cast<Enum>(value);
  return {};
}

Status load_task(const message::Spans& columns, int i, TaskKey& task) {
  task.layer = columns.wait_layer(i);
  PIPELOOM_RETURN_IF_ERROR(set_enum("wait_component", columns.wait_component(i), Component::kWait, task.component));
  const uint32_t kind_and_pass = columns.wait_kind_and_pass(i);
  PIPELOOM_RETURN_IF_ERROR(set_enum("wait_pass", kind_and_pass % kKindFactor, SlotKind::kFB, task.pass));
  return set_enum("wait_kind", kind_and_pass / kKindFactor, TaskKind::kEma, task.kind);
}

Status check_wait_sizes(const message::Spans& columns) {
  const auto with = [&](auto matches) { return std::ranges::count_if(columns.wait(), matches); };
  const auto waits = with([](int kind) { return kind != message::NONE; });
  const auto tasks = with([](int kind) { return kind == message::TASK; });
  PIPELOOM_RETURN_IF_ERROR(check_column_size("wait_rank_or_slot", columns.wait_rank_or_slot_size(), waits));
  PIPELOOM_RETURN_IF_ERROR(check_column_size("wait_layer", columns.wait_layer_size(), tasks));
  PIPELOOM_RETURN_IF_ERROR(check_column_size("wait_component", columns.wait_component_size(), tasks));
  return check_column_size("wait_kind_and_pass", columns.wait_kind_and_pass_size(), tasks);
}

Status load_waits(const message::Spans& columns, std::vector<Span>& spans) {
  if (columns.wait_size() == 0) return {};
  PIPELOOM_RETURN_IF_ERROR(check_column_size("wait", columns.wait_size(), static_cast<int64_t>(spans.size())));
  PIPELOOM_RETURN_IF_ERROR(check_wait_sizes(columns));
  int waits = 0;
  int tasks = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    Wait& wait = spans[i].wait;
    PIPELOOM_RETURN_IF_ERROR(
        set_enum("wait", static_cast<uint32_t>(columns.wait(static_cast<int>(i))), WaitKind::kMember, wait.kind));
    if (wait.kind == WaitKind::kNone) continue;
    const int32_t rank_or_slot = columns.wait_rank_or_slot(waits++);
    if (wait.kind != WaitKind::kTask) {
      wait.rank = rank_or_slot;
      continue;
    }
    wait.task.rank = spans[i].key.rank;
    wait.task.slot = wrapping_advance<int32_t>(spans[i].key.slot, rank_or_slot);
    PIPELOOM_RETURN_IF_ERROR(load_task(columns, tasks++, wait.task));
  }
  return {};
}

}  // namespace

void store_execution(std::span<const Span> spans, message::Spans* columns) {
  store_unless_zero(spans, &Span::replica, columns->mutable_replica());
  store_unless_zero(spans, &Span::queued_ns, columns->mutable_queued_ns());
  store_unless_zero(spans, &Span::waited_ns, columns->mutable_waited_ns());
  store_unless_zero(spans, &Span::bytes, columns->mutable_bytes());
  store_waits(spans, columns);
}

Status load_replicas(const message::Spans& columns, std::vector<Span>& spans) {
  return load_if_there("replica", columns.replica(), &Span::replica, spans);
}

Status load_execution(const message::Spans& columns, std::vector<Span>& spans) {
  PIPELOOM_RETURN_IF_ERROR(load_if_there("queued_ns", columns.queued_ns(), &Span::queued_ns, spans));
  PIPELOOM_RETURN_IF_ERROR(load_if_there("waited_ns", columns.waited_ns(), &Span::waited_ns, spans));
  PIPELOOM_RETURN_IF_ERROR(load_if_there("bytes", columns.bytes(), &Span::bytes, spans));
  return load_waits(columns, spans);
}

}  // namespace pipeloom::proto
