#include "backend/runtime/training/chunk_run.h"

namespace pipeloom::backend {

InFlight& ChunkRun::enter(int micro_batch) {
  const auto [place, is_new] = flights_.try_emplace(micro_batch);
  PIPELOOM_THROW_UNLESS(is_new);
  place->second.runs.resize(maths_->parts().size());
  place->second.open = static_cast<int>(maths_->parts().size());
  return place->second;
}

InFlight& ChunkRun::in_flight(int micro_batch) {
  const auto place = flights_.find(micro_batch);
  PIPELOOM_THROW_UNLESS(place != flights_.end());
  return place->second;
}

PartRun<float>& ChunkRun::start(InFlight& flight, int part) {
  flight.runs[part] = maths_->parts()[part].part->start();
  return *flight.runs[part];
}

void ChunkRun::end_pass(int micro_batch, int part, SlotKind pass) {
  const SlotKind last = maths_->parts()[part].weight_pass ? SlotKind::kW : SlotKind::kI;
  if (pass != last) return;
  InFlight& flight = in_flight(micro_batch);
  flight.runs[part].reset();
  if (--flight.open == 0) flights_.erase(micro_batch);
}

}  // namespace pipeloom::backend
