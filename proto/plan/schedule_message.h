#pragma once

#include "core/schedule/schedule.h"

namespace pipeloom::message {

class Schedule;

}  // namespace pipeloom::message

namespace pipeloom::proto {

void store_schedule(const Schedule& schedule, message::Schedule* message);
Result<Schedule> load_schedule(const message::Schedule& message);

}  // namespace pipeloom::proto
