#pragma once

#include "core/schedule.h"

namespace pipeloom {

namespace proto {
class Schedule;
}

void store_schedule(const Schedule& schedule, proto::Schedule* message);
Result<Schedule> load_schedule(const proto::Schedule& message);

}  // namespace pipeloom
