#pragma once

#include <string>

#include "core/base/result.h"

namespace google::protobuf {
class Message;
}

namespace pipeloom::proto {

// Parse what a person wrote. Errors say where and name the field: job.txtpb:3:5: "Job" has no field named "modle"..
Status parse_text(const std::string& path, const std::string& text, google::protobuf::Message* message);
Status parse_json(const std::string& path, const std::string& json, google::protobuf::Message* message);

}  // namespace pipeloom::proto
