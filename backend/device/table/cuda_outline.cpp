#include "backend/device/table/cuda_outline.h"

namespace pipeloom::backend {

DeviceKind cuda_outline() {
  DeviceKind row;
  row.name = "cuda";
  row.what = "NVIDIA GPUs";
  row.abilities = {Ability::kOneDevice, Ability::kStepGraphs, Ability::kTuning};
  return row;
}

}  // namespace pipeloom::backend
