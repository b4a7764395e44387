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

// Adds what every command says of a job with a model: step_s, tokens_per_s_per_gpu, tflops_per_gpu, mfu,
// peak_memory_bytes (of the fullest rank) and fits.
void add_figures(const Job& job, int64_t step_ns, int64_t peak_memory, nlohmann::json& json);
// The same for people: "1,610 tokens/s and 412 TFLOPS per GPU, MFU 41.6 %".
std::string figures_text(const Job& job, int64_t step_ns);

// What `simulate --json` prints.
nlohmann::json subject_json(const Subject& subject);

// The numbers that simulate prints for people.
void print_summary(const Subject& subject, const Output& output);

}  // namespace pipeloom::planner
