#include "backend/device/program/stuck_launches.h"

#include <optional>
#include <vector>

namespace pipeloom::backend {

std::string stuck_launches(const LaunchProgram& program, const std::function<bool(uint32_t event)>& happened,
                           const std::function<std::string(uint32_t task)>& name) {
  struct Stream {
    std::optional<uint32_t> launch;  // the first that may not have ended
    bool waits = false;
  };
  std::vector<Stream> streams(program.streams.size() + 1);
  for (const LaunchOp& op : program.ops) {
    Stream& stream = streams[op.stream];
    switch (op.kind) {
      case LaunchOp::Kind::kWait:
        stream.waits |= !stream.launch && !happened(op.number);
        break;
      case LaunchOp::Kind::kLaunch:
        if (!stream.launch) stream.launch = op.number;
        break;
      case LaunchOp::Kind::kRecord:
        if (happened(op.number)) stream = {};
        break;
    }
  }
  std::string text;
  for (const Stream& stream : streams) {
    if (!stream.launch || stream.waits) continue;
    text += (text.empty() ? "" : "; ") + name(program.launches[*stream.launch].tasks.front());
  }
  return text.empty() ? "nothing that is known" : text;
}

}  // namespace pipeloom::backend
