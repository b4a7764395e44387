#ifdef PIPELOOM_WITH_CUPTI_RANGES

#include "backend/cuda/tune/counter_metrics.h"

#include <cupti_profiler_host.h>
#include <fmt/format.h>

#include "backend/cuda/tune/cupti_status.h"

namespace pipeloom::backend {

Result<std::unique_ptr<CounterMetrics>> CounterMetrics::create(const std::string& chip, std::vector<const char*> names,
                                                               const std::vector<uint8_t>& availability) {
  std::unique_ptr<CounterMetrics> metrics(new CounterMetrics(std::move(names)));
  PIPELOOM_RETURN_IF_ERROR(metrics->open(chip, availability));
  PIPELOOM_RETURN_IF_ERROR(metrics->configure());
  return metrics;
}

CounterMetrics::~CounterMetrics() {
  if (host_ == nullptr) return;
  auto params =
      sized_params<CUpti_Profiler_Host_Deinitialize_Params>(CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE);
  params.pHostObject = host_;
  cuptiProfilerHostDeinitialize(&params);
}

Status CounterMetrics::open(const std::string& chip, const std::vector<uint8_t>& availability) {
  auto params = sized_params<CUpti_Profiler_Host_Initialize_Params>(CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE);
  params.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
  params.pChipName = chip.c_str();
  params.pCounterAvailabilityImage = availability.empty() ? nullptr : availability.data();
  const std::string what = fmt::format("counters of the chip {}", chip);
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerHostInitialize(&params), what.c_str()));
  host_ = params.pHostObject;
  return {};
}

Status CounterMetrics::configure() {
  auto add = sized_params<CUpti_Profiler_Host_ConfigAddMetrics_Params>(
      CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE);
  add.pHostObject = host_;
  add.ppMetricNames = names_.data();
  add.numMetrics = names_.size();
  const std::string what = fmt::format("metrics {}", fmt::join(names_, ", "));
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerHostConfigAddMetrics(&add), what.c_str()));
  auto size = sized_params<CUpti_Profiler_Host_GetConfigImageSize_Params>(
      CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE);
  size.pHostObject = host_;
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerHostGetConfigImageSize(&size), what.c_str()));
  config_.resize(size.configImageSize);
  auto image =
      sized_params<CUpti_Profiler_Host_GetConfigImage_Params>(CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE);
  image.pHostObject = host_;
  image.configImageSize = config_.size();
  image.pConfigImage = config_.data();
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerHostGetConfigImage(&image), what.c_str()));
  auto passes =
      sized_params<CUpti_Profiler_Host_GetNumOfPasses_Params>(CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE);
  passes.configImageSize = config_.size();
  passes.pConfigImage = config_.data();
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerHostGetNumOfPasses(&passes), what.c_str()));
  passes_ = passes.numOfPasses;
  return {};
}

Result<std::vector<double>> CounterMetrics::values(const std::vector<uint8_t>& counters) const {
  std::vector<double> values(names_.size());
  std::vector<const char*> names = names_;
  auto params = sized_params<CUpti_Profiler_Host_EvaluateToGpuValues_Params>(
      CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE);
  params.pHostObject = host_;
  params.pCounterDataImage = counters.data();
  params.counterDataImageSize = counters.size();
  params.rangeIndex = 0;
  params.ppMetricNames = names.data();
  params.numMetrics = names.size();
  params.pMetricValues = values.data();
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerHostEvaluateToGpuValues(&params), "values of metrics"));
  return values;
}

}  // namespace pipeloom::backend

#endif
