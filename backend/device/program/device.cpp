#include "backend/device/program/device.h"

namespace pipeloom::backend {

void issue(const LaunchProgram& program, Device& device) {
  for (const LaunchOp& op : program.ops) {
    switch (op.kind) {
      case LaunchOp::Kind::kWait:
        device.wait(op.stream, op.number);
        break;
      case LaunchOp::Kind::kLaunch:
        device.launch(op.stream, program.launches[op.number]);
        break;
      case LaunchOp::Kind::kRecord:
        device.record(op.stream, op.number);
        break;
    }
  }
}

}  // namespace pipeloom::backend
