#include "backend/device/table/device_kind.h"

#include <algorithm>

#include "core/base/check.h"

namespace pipeloom::backend {

const char* ability_name(Ability ability) {
  switch (ability) {
    case Ability::kCheckMode:
      return "check mode";
    case Ability::kSequential:
      return "sequential run";
    case Ability::kVariedPace:
      return "paced tasks that vary";
    case Ability::kPacedProcesses:
      return "paced ranks in several processes";
    case Ability::kOneDevice:
      return "way to share one device among all ranks";
    case Ability::kStepGraphs:
      return "graphs of whole steps";
    case Ability::kTuning:
      return "kernels to tune";
  }
  check_failed("an ability", __FILE__, __LINE__);
}

bool DeviceKind::can(Ability ability) const {
  return std::ranges::find(abilities, ability) != abilities.end();
}

}  // namespace pipeloom::backend
