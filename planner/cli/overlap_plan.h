#pragma once

#include <iosfwd>
#include <optional>

#include "planner/cli/subject.h"
#include "planner/overlap/split.h"

namespace pipeloom {

// The subject with its SMs split (as `comm_sms` says, or as is best) and the components of its pairs ordered as is
// best. Unchanged where its schedule has no overlapped pairs.
Result<Subject> plan_overlap(Subject subject, std::optional<int> comm_sms);

// Why that split: the step's time and the exposed all-to-all over the splits. Nothing where there is no all-to-all.
void print_split(const Subject& subject, std::ostream& out);

}  // namespace pipeloom
