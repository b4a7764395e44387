#include "backend/device/program/happens_before.h"

#include <algorithm>

namespace pipeloom::backend {

HappensBefore::HappensBefore(const LaunchProgram& program)
    : stream_(program.launches.size(), 0), position_(program.launches.size(), 0), start_(program.launches.size()) {
  const size_t streams = program.streams.size() + 1;
  const uint32_t origin = program.origin();
  std::vector<Clock> clocks(streams, Clock(streams, 0));
  std::vector<Clock> events(program.events, Clock(streams, 0));
  for (const LaunchOp& op : program.ops) {
    Clock& clock = clocks[op.stream];
    switch (op.kind) {
      case LaunchOp::Kind::kWait:
        for (size_t i = 0; i < streams; ++i) clock[i] = std::max(clock[i], events[op.number][i]);
        break;
      case LaunchOp::Kind::kLaunch:
        stream_[op.number] = op.stream;
        position_[op.number] = clock[op.stream]++;
        start_[op.number] = clock;
        --start_[op.number][op.stream];
        break;
      case LaunchOp::Kind::kRecord:
        if (op.stream == origin) ++clock[origin];
        events[op.number] = clock;
        break;
    }
  }
  end_ = clocks[origin];
}

}  // namespace pipeloom::backend
