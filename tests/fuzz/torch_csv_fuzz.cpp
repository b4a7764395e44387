// What is read is written to the same schedule again.
#include <cstdlib>

#include "proto/torch/schedule_csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pipeloom;
  using namespace pipeloom::proto;
  const auto schedule = parse_torch_csv("fuzz.csv", {reinterpret_cast<const char*>(data), size});
  if (!schedule) return 0;
  for (const TorchCsvFormat format : {TorchCsvFormat::kComputeOnly, TorchCsvFormat::kComputeComms}) {
    const auto csv = schedule_to_torch_csv(*schedule, format);
    if (!csv) std::abort();
    const auto again = parse_torch_csv("again.csv", *csv);
    if (!again || again->slots().size() != schedule->slots().size()) std::abort();
    for (size_t i = 0; i < again->slots().size(); ++i) {
      if (again->slots()[i] != schedule->slots()[i]) std::abort();
    }
  }
  return 0;
}
