#include "backend/cuda/tune/range_counters.h"

#ifdef PIPELOOM_WITH_CUPTI_RANGES

#include <cupti_range_profiler.h>
#include <cupti_target.h>
#include <fmt/format.h>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/driver_function.h"
#include "backend/cuda/tune/counter_metrics.h"
#include "backend/cuda/tune/cupti_status.h"

namespace pipeloom::backend {

namespace {

struct Current {
  CUcontext context = nullptr;
  CUdevice device = 0;
};

Result<Current> current_context() {
  constexpr unsigned kContextGet = 4000;
  constexpr unsigned kDeviceGet = 2000;
  constexpr const char* kNeeds = "counters need a newer one";
  CUresult (*get_context)(CUcontext*) = nullptr;
  CUresult (*get_device)(CUdevice*) = nullptr;
  PIPELOOM_RETURN_IF_ERROR(load_driver_function("cuCtxGetCurrent", kContextGet, kNeeds, get_context));
  PIPELOOM_RETURN_IF_ERROR(load_driver_function("cuCtxGetDevice", kDeviceGet, kNeeds, get_device));
  Current current;
  PIPELOOM_DRIVER_CHECK(get_context(&current.context));
  if (current.context == nullptr) return unsupported("counters: no CUDA context is current");
  PIPELOOM_DRIVER_CHECK(get_device(&current.device));
  return current;
}

Status check_supported(CUdevice device) {
  auto params = sized_params<CUpti_Profiler_DeviceSupported_Params>(CUpti_Profiler_DeviceSupported_Params_STRUCT_SIZE);
  params.cuDevice = device;
  params.api = CUPTI_PROFILER_RANGE_PROFILING;
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerDeviceSupported(&params), "whether the GPU has counters"));
  if (params.isSupported == CUPTI_PROFILER_CONFIGURATION_SUPPORTED) return {};
  const auto missing = [](CUpti_Profiler_Support_Level level) {
    return level != CUPTI_PROFILER_CONFIGURATION_SUPPORTED;
  };
  const char* why = missing(params.confidentialCompute) ? "confidential computing is on"
                    : missing(params.vGpu)              ? "it is a virtual GPU without profiling"
                    : missing(params.wsl)               ? "WSL has none"
                    : missing(params.architecture)      ? "its architecture is too old"
                                                        : "its configuration allows none";
  return unsupported(fmt::format("this GPU's counters can't be read: {}", why));
}

Result<std::string> chip_name(CUdevice device) {
  auto params = sized_params<CUpti_Device_GetChipName_Params>(CUpti_Device_GetChipName_Params_STRUCT_SIZE);
  params.deviceIndex = static_cast<size_t>(device);
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiDeviceGetChipName(&params), "the chip's name"));
  return std::string(params.pChipName);
}

// Asked for twice: how large, and what.
Result<std::vector<uint8_t>> counter_availability(CUcontext context) {
  auto params = sized_params<CUpti_Profiler_GetCounterAvailability_Params>(
      CUpti_Profiler_GetCounterAvailability_Params_STRUCT_SIZE);
  params.ctx = context;
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerGetCounterAvailability(&params), "which counters there are"));
  std::vector<uint8_t> image(params.counterAvailabilityImageSize);
  params.pCounterAvailabilityImage = image.data();
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerGetCounterAvailability(&params), "which counters there are"));
  return image;
}

// Profiling is on while it lives: for one range.
class Session {
 public:
  static Result<std::unique_ptr<Session>> start(CUcontext context, const CounterMetrics& metrics) {
    std::unique_ptr<Session> session(new Session(metrics));
    auto params = sized_params<CUpti_RangeProfiler_Enable_Params>(CUpti_RangeProfiler_Enable_Params_STRUCT_SIZE);
    params.ctx = context;
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerEnable(&params), "to enable counters"));
    session->profiler_ = params.pRangeProfilerObject;
    PIPELOOM_RETURN_IF_ERROR(session->make_image());
    PIPELOOM_RETURN_IF_ERROR(session->configure());
    return session;
  }

  ~Session() {
    if (profiler_ == nullptr) return;
    auto params = of_profiler<CUpti_RangeProfiler_Disable_Params>(CUpti_RangeProfiler_Disable_Params_STRUCT_SIZE);
    cuptiRangeProfilerDisable(&params);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Whether all passes have been run.
  Result<bool> run_pass(const std::function<void()>& work) {
    auto start = of_profiler<CUpti_RangeProfiler_Start_Params>(CUpti_RangeProfiler_Start_Params_STRUCT_SIZE);
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerStart(&start), "to start a pass"));
    auto push = of_profiler<CUpti_RangeProfiler_PushRange_Params>(CUpti_RangeProfiler_PushRange_Params_STRUCT_SIZE);
    push.pRangeName = "work";
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerPushRange(&push), "to begin a range"));
    work();
    PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
    auto pop = of_profiler<CUpti_RangeProfiler_PopRange_Params>(CUpti_RangeProfiler_PopRange_Params_STRUCT_SIZE);
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerPopRange(&pop), "to end a range"));
    auto stop = of_profiler<CUpti_RangeProfiler_Stop_Params>(CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE);
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerStop(&stop), "to stop a pass"));
    return stop.isAllPassSubmitted != 0;
  }

  Result<std::vector<double>> values() {
    auto decode = of_profiler<CUpti_RangeProfiler_DecodeData_Params>(CUpti_RangeProfiler_DecodeData_Params_STRUCT_SIZE);
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerDecodeData(&decode), "to decode counters"));
    auto info = sized_params<CUpti_RangeProfiler_GetCounterDataInfo_Params>(
        CUpti_RangeProfiler_GetCounterDataInfo_Params_STRUCT_SIZE);
    info.pCounterDataImage = image_.data();
    info.counterDataImageSize = image_.size();
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerGetCounterDataInfo(&info), "to look into counters"));
    if (info.numTotalRanges != 1 || decode.numOfRangeDropped != 0) {
      return unsupported(fmt::format("counters have {} ranges and {} were dropped; there should be 1 and 0",
                                     info.numTotalRanges, decode.numOfRangeDropped));
    }
    return metrics_.values(image_);
  }

 private:
  explicit Session(const CounterMetrics& metrics) : metrics_(metrics), names_(metrics.names()) {}

  template <typename Params>
  Params of_profiler(size_t size) const {
    auto params = sized_params<Params>(size);
    params.pRangeProfilerObject = profiler_;
    return params;
  }

  Status make_image() {
    auto size = of_profiler<CUpti_RangeProfiler_GetCounterDataSize_Params>(
        CUpti_RangeProfiler_GetCounterDataSize_Params_STRUCT_SIZE);
    size.pMetricNames = names_.data();
    size.numMetrics = names_.size();
    size.maxNumOfRanges = 1;
    size.maxNumRangeTreeNodes = 1;
    PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiRangeProfilerGetCounterDataSize(&size), "the size of counters"));
    image_.resize(size.counterDataSize);
    auto image = of_profiler<CUpti_RangeProfiler_CounterDataImage_Initialize_Params>(
        CUpti_RangeProfiler_CounterDataImage_Initialize_Params_STRUCT_SIZE);
    image.counterDataSize = image_.size();
    image.pCounterData = image_.data();
    return cupti_status(cuptiRangeProfilerCounterDataImageInitialize(&image), "room for counters");
  }

  Status configure() {
    auto params = of_profiler<CUpti_RangeProfiler_SetConfig_Params>(CUpti_RangeProfiler_SetConfig_Params_STRUCT_SIZE);
    params.configSize = metrics_.config().size();
    params.pConfig = metrics_.config().data();
    params.counterDataImageSize = image_.size();
    params.pCounterDataImage = image_.data();
    params.range = CUPTI_UserRange;
    params.replayMode = CUPTI_UserReplay;
    params.maxRangesPerPass = 1;
    params.numNestingLevels = 1;
    params.minNestingLevel = 1;
    params.passIndex = 0;
    params.targetNestingLevel = 1;
    return cupti_status(cuptiRangeProfilerSetConfig(&params), "to configure counters");
  }

  const CounterMetrics& metrics_;
  std::vector<const char*> names_;
  CUpti_RangeProfiler_Object* profiler_ = nullptr;
  std::vector<uint8_t> image_;
};

class CuptiRangeCounters : public RangeCounters {
 public:
  CuptiRangeCounters(CUcontext context, std::unique_ptr<CounterMetrics> metrics)
      : context_(context), metrics_(std::move(metrics)) {}
  ~CuptiRangeCounters() override {
    auto params = sized_params<CUpti_Profiler_DeInitialize_Params>(CUpti_Profiler_DeInitialize_Params_STRUCT_SIZE);
    cuptiProfilerDeInitialize(&params);
  }

  Result<std::vector<double>> count(const std::function<void()>& work) override {
    PIPELOOM_TRY(const auto session, Session::start(context_, *metrics_));
    for (size_t pass = 0; pass < metrics_->passes(); ++pass) {
      PIPELOOM_TRY(const bool all, session->run_pass(work));
      if (all) return session->values();
    }
    return unsupported(fmt::format("counters want more than the {} passes that CUPTI announced", metrics_->passes()));
  }

 private:
  CUcontext context_;
  std::unique_ptr<CounterMetrics> metrics_;
};

}  // namespace

Result<std::unique_ptr<RangeCounters>> RangeCounters::create(std::vector<const char*> metrics) {
  // Some of CUPTI's functions end the process where there is no driver: the context comes first.
  PIPELOOM_TRY(const Current current, current_context());
  auto params = sized_params<CUpti_Profiler_Initialize_Params>(CUpti_Profiler_Initialize_Params_STRUCT_SIZE);
  PIPELOOM_RETURN_IF_ERROR(cupti_status(cuptiProfilerInitialize(&params), "to initialize counters"));
  PIPELOOM_RETURN_IF_ERROR(check_supported(current.device));
  PIPELOOM_TRY(const std::string chip, chip_name(current.device));
  PIPELOOM_TRY(const std::vector<uint8_t> availability, counter_availability(current.context));
  PIPELOOM_TRY(auto of_chip, CounterMetrics::create(chip, std::move(metrics), availability));
  return std::make_unique<CuptiRangeCounters>(current.context, std::move(of_chip));
}

}  // namespace pipeloom::backend

#else

namespace pipeloom::backend {

Result<std::unique_ptr<RangeCounters>> RangeCounters::create(std::vector<const char*> /*metrics*/) {
  return unsupported("this build's CUPTI has no range profiler (cupti_range_profiler.h)");
}

}  // namespace pipeloom::backend

#endif
