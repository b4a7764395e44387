#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"

struct CUpti_Profiler_Host_Object;

namespace pipeloom::backend {

// Metrics of a chip's counters (CUPTI's host API, cupti_profiler_host.h): what to collect in how many passes, and what
// the metrics are of what was collected. Needs no GPU.
class CounterMetrics {
 public:
  // `chip` as CUPTI names it ("GH100"); `names` outlive it; `availability`: CUPTI's image of the counters that may be
  // read, empty: all that the chip has. Errors: CUPTI knows no such chip, or the chip no such metric.
  static Result<std::unique_ptr<CounterMetrics>> create(const std::string& chip, std::vector<const char*> names,
                                                        const std::vector<uint8_t>& availability);
  ~CounterMetrics();
  CounterMetrics(const CounterMetrics&) = delete;
  CounterMetrics& operator=(const CounterMetrics&) = delete;

  const std::vector<const char*>& names() const { return names_; }
  // What a profiler is told to collect.
  const std::vector<uint8_t>& config() const { return config_; }
  // How often the work must run for it.
  size_t passes() const { return passes_; }
  // [metric] of the first range of an image of counters.
  Result<std::vector<double>> values(const std::vector<uint8_t>& counters) const;

 private:
  explicit CounterMetrics(std::vector<const char*> names) : names_(std::move(names)) {}
  Status open(const std::string& chip, const std::vector<uint8_t>& availability);
  Status configure();

  std::vector<const char*> names_;
  CUpti_Profiler_Host_Object* host_ = nullptr;
  std::vector<uint8_t> config_;
  size_t passes_ = 0;
};

}  // namespace pipeloom::backend
