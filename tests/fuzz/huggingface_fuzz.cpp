// What is read is a model that make_model accepts again.
#include <cstdlib>

#include "proto/huggingface/huggingface.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pipeloom;
  using namespace pipeloom::proto;
  const auto model = model_from_huggingface({reinterpret_cast<const char*>(data), size}, "config.json");
  if (model && !make_model(*model)) std::abort();
  return 0;
}
