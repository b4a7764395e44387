#include "proto/plan/plan_io.h"

#include <fmt/format.h>

#include "core/base/digest.h"
#include "proto/base/files.h"
#include "proto/base/version.h"
#include "proto/base/wire.h"
#include "proto/job/job_message.h"
#include "proto/plan/costs_message.h"
#include "proto/plan/plan.pb.h"
#include "proto/plan/schedule_message.h"

namespace pipeloom::proto {

namespace {

message::Plan to_message(const Plan& plan) {
  message::Plan message;
  message.set_kind(std::string(kPlanKind));
  message.set_format_version(kFormatVersion);
  store_job(plan.job, message.mutable_job());
  message.set_schedule_name(plan.schedule_name);
  store_schedule(plan.schedule, message.mutable_schedule());
  store_costs(plan.costs, message.mutable_costs());
  message.set_comm_sms(plan.comm_sms);
  message.mutable_summary()->set_makespan_ns(plan.summary.makespan_ns);
  message.mutable_summary()->set_span_ns(plan.summary.span_ns);
  message.mutable_summary()->set_peak_bytes(plan.summary.peak_bytes);
  message.set_lowering_version(plan.lowering_version);
  message.set_task_digest(plan.task_digest);
  return message;
}

uint64_t checksum_of(std::string_view bytes) {
  Digest digest;
  digest.add_bytes(bytes);
  return digest.value();
}

// The bytes that a checksum field takes at the end of a file.
std::string checksum_field(uint64_t checksum) {
  message::Plan message;
  message.set_checksum(checksum);
  return message.SerializeAsString();
}

bool checksum_matches(std::string_view content, uint64_t checksum) {
  const std::string last = checksum_field(checksum);
  return content.ends_with(last) && checksum_of(content.substr(0, content.size() - last.size())) == checksum;
}

Result<Plan> from_message(const message::Plan& message) {
  PIPELOOM_TRY(Job job, load_job(message.job()));
  PIPELOOM_TRY(Schedule schedule, load_schedule(message.schedule()));
  PIPELOOM_TRY(StepCosts costs, load_costs(message.costs(), schedule));
  return Plan{.job = std::move(job),
              .schedule_name = message.schedule_name(),
              .schedule = std::move(schedule),
              .costs = std::move(costs),
              .comm_sms = message.comm_sms(),
              .summary = {.makespan_ns = message.summary().makespan_ns(),
                          .span_ns = message.summary().span_ns(),
                          .peak_bytes = message.summary().peak_bytes()},
              .lowering_version = message.lowering_version(),
              .task_digest = message.task_digest()};
}

}  // namespace

Status write_plan(const std::string& path, const Plan& plan) {
  std::string content;
  if (!to_message(plan).SerializeToString(&content)) {
    return fail(ErrorCode::kIo, fmt::format("can't write {}: a plan file holds at most 2 GiB", path));
  }
  content += checksum_field(checksum_of(content));
  return write_file_atomically(path, content);
}

Result<Plan> read_plan(const std::string& path) {
  PIPELOOM_TRY(const std::string content, read_file(path));
  PIPELOOM_RETURN_IF_ERROR(check_header(path, content, kPlanKind));
  message::Plan message;
  if (!merge_fields(content, &message) || !checksum_matches(content, message.checksum())) {
    return invalid(fmt::format("{} is cut off or damaged", path));
  }
  return from_message(message).map_error([&](Error error) { return in_file(path, std::move(error)); });
}

}  // namespace pipeloom::proto
