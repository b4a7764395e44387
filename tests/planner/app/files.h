#pragma once

#include <string>

namespace pipeloom::tests {

// What files of Pipeloom hold: a plan of 1F1B on two ranks with unit costs, and a trace of running it as planned.
std::string plan_bytes();
std::string trace_bytes();

std::string gzipped(const std::string& content);

}  // namespace pipeloom::tests
