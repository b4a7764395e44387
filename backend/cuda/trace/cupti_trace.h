#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/device/program/kernel_spans.h"
#include "backend/device/program/launch_observer.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// When every kernel and copy of a step ran, by CUPTI's concurrent kernel records (others would run kernels one after
// the other). What is enqueued between begins and ends carries the launch's task as an external correlation id; a
// record leads to it by its correlation id. At most one object in a process; made before the step that it traces,
// which is issued launch by launch.
class CuptiTrace : public LaunchObserver {
 public:
  // Fails where CUPTI can't trace: no permission, or another tool does.
  static Result<std::unique_ptr<CuptiTrace>> start();
  ~CuptiTrace() override;
  CuptiTrace(const CuptiTrace&) = delete;
  CuptiTrace& operator=(const CuptiTrace&) = delete;

  void begins(const Launch& launch, StreamHandle stream) override;
  void ends(const Launch& launch, StreamHandle stream) override;

  // CUPTI's clock, in which the records are.
  static int64_t now_ns();
  // When the step has ended.
  std::vector<KernelRecord> records();

 private:
  CuptiTrace() = default;
};

}  // namespace pipeloom::backend
