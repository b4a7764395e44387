#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/schedule/idle.h"
#include "planner/cli/command.h"
#include "planner/cli/subject_options.h"

namespace pipeloom::planner {

// A time in JSON: units of kNsPerUnit (milliseconds).
double json_time(int64_t ns);

// [rank] Peak activations in millionths of an activation.
std::vector<int64_t> activation_peaks(const Subject& subject);

// The idle intervals of a subject, by rank, then time.
std::vector<IdleInterval> idle_of(const Subject& subject);

// What `simulate --json` prints.
nlohmann::json subject_json(const Subject& subject);

// The numbers that simulate prints for people.
void print_summary(const Subject& subject, const Output& output);

}  // namespace pipeloom::planner
