#pragma once

#include "core/job/hand_over_copy.h"

namespace pipeloom::message {

class HandOverCopy;
class HandOverCurve;

}  // namespace pipeloom::message

namespace pipeloom::proto {

// Loaded ones are not checked but for what core types can't hold: a method that there is not.
void store_hand_over(const HandOverCopy& how, message::HandOverCopy* message);
Result<HandOverCopy> load_hand_over(const message::HandOverCopy& message);
void store_hand_over_curve(const HandOverCurve& curve, message::HandOverCurve* message);
Result<HandOverCurve> load_hand_over_curve(const message::HandOverCurve& message);

}  // namespace pipeloom::proto
