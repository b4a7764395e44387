#pragma once

#include <cstdint>
#include <string>

namespace pipeloom {

// A training step that somebody measured: a GPT-like model in 1F1B on GPUs of eight a node.
struct MeasuredIteration {
  std::string setting;  // "single-node", "multi-node": errors are reported apart
  int gpus = 1;
  int64_t global_batch = 1;  // sequences
  int64_t micro_batch = 1;   // sequences
  int hidden = 1;
  int heads = 1;
  int layers = 1;
  int64_t sequence = 1;  // tokens
  int tensor = 1;
  int data = 1;
  int pipeline = 1;
  double seconds = 0;
};

}  // namespace pipeloom
