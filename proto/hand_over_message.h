#pragma once

#include "core/hand_over_copy.h"

namespace pipeloom {

namespace proto {
class HandOverCopy;
class HandOverCurve;
}  // namespace proto

// Loaded ones are not checked but for what core types can't hold: a method that there is not.
void store_hand_over(const HandOverCopy& how, proto::HandOverCopy* message);
Result<HandOverCopy> load_hand_over(const proto::HandOverCopy& message);
void store_hand_over_curve(const HandOverCurve& curve, proto::HandOverCurve* message);
Result<HandOverCurve> load_hand_over_curve(const proto::HandOverCurve& message);

}  // namespace pipeloom
