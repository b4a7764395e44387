#include "proto/job/job_field.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include "proto/base/renamed_fields.h"
#include "proto/job/job.pb.h"
#include "proto/job/job_message.h"

namespace pipeloom::proto {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool is_number(const FieldDescriptor& field) {
  return !field.is_repeated() && field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE &&
         field.cpp_type() != FieldDescriptor::CPPTYPE_STRING && field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM &&
         field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL;
}

// Paths of all numeric fields; fields of repeated messages have none.
void collect(const Descriptor& message, const std::string& prefix, std::vector<std::string>& paths) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string path = prefix + field.name();
    if (is_number(field)) paths.push_back(path);
    if (!field.is_repeated() && field.message_type() != nullptr) collect(*field.message_type(), path + ".", paths);
  }
}

bool names(const std::string& path, const std::string& field) {
  return path == field || path.ends_with("." + field);
}

Result<std::string> find_path(const std::string& field) {
  std::vector<std::string> paths;
  collect(*message::Job::descriptor(), "", paths);
  std::vector<std::string> found;
  for (const std::string& path : paths) {
    if (path == field) return path;
    if (names(path, field)) found.push_back(path);
  }
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("\"{}\" is no numeric field of a job; allowed are such as {}", field,
                            "cluster.comm_sms, layout.tensor, batch.global_batch (proto/job/job.proto)"));
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("\"{}\" may be {}; give the whole path", field, fmt::join(found, " or ")));
}

// "a.b.c" and "3" as protobuf text: a { b { c: 3 } }.
std::string as_text(const std::string& path, const std::string& value) {
  std::string text;
  std::string closing;
  size_t begin = 0;
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
    text += path.substr(begin, dot - begin) + " { ";
    closing += " }";
    begin = dot + 1;
  }
  return text + path.substr(begin) + ": " + value + closing;
}

}  // namespace

Result<Job> with_job_field(const Job& job, const std::string& field, const std::string& value) {
  PIPELOOM_TRY(const std::string path, find_path(with_present_names(field)));
  message::Job message;
  store_job(job, &message);
  message::Job change;
  if (!google::protobuf::TextFormat::ParseFromString(as_text(path, value), &change)) {
    return invalid(fmt::format("{} can't be {}", path, value));
  }
  if (job.model) message.set_micro_batches(0);  // follows from the batch and the layout
  message.MergeFrom(change);
  return load_job(message);
}

}  // namespace pipeloom::proto
