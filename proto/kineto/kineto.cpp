#include "proto/kineto/kineto.h"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "proto/base/string_table.h"
#include "proto/kineto/block_reader.h"
#include "proto/kineto/microseconds.h"
#include "proto/torch/schedule_csv.h"

namespace pipeloom::proto {

namespace {

constexpr int kMostDepth = 64;
constexpr size_t kMostEvents = size_t{1} << 26;  // 2 GiB of kernels
constexpr size_t kMostNameBytes = 4096;  // names of kernels hold their template's arguments; the rest is cut off
constexpr size_t kMostNames = size_t{1} << 18;
constexpr std::string_view kRangeMark = "PP:";  // of torch.distributed.pipelining

// The fields that matter, of an event, of its args, and of the file.
enum class Field : uint8_t {
  kOther,
  kPhase,
  kCategory,
  kName,
  kBegin,
  kDuration,
  kProcess,
  kThread,
  kArguments,  // of an event
  kGrid,
  kStream,
  kCorrelation,  // of its args
  kEvents,
  kDevices,
  kDistributed,
  kSms,
  kRank,  // of the file
};

Field field_of(std::string_view key, int depth) {
  struct Known {
    std::string_view name;
    int depth;  // how many objects and arrays it stands in
    Field field;
  };
  static constexpr std::array<Known, 16> kKnown = {{
      {"ph", 3, Field::kPhase},
      {"cat", 3, Field::kCategory},
      {"name", 3, Field::kName},
      {"ts", 3, Field::kBegin},
      {"dur", 3, Field::kDuration},
      {"pid", 3, Field::kProcess},
      {"tid", 3, Field::kThread},
      {"args", 3, Field::kArguments},
      {"grid", 4, Field::kGrid},
      {"stream", 4, Field::kStream},
      {"correlation", 4, Field::kCorrelation},
      {"traceEvents", 1, Field::kEvents},
      {"deviceProperties", 1, Field::kDevices},
      {"distributedInfo", 1, Field::kDistributed},
      {"numSms", 3, Field::kSms},
      {"rank", 2, Field::kRank},
  }};
  for (const Known& known : kKnown) {
    if (known.depth == depth && known.name == key) return known.field;
  }
  return Field::kOther;
}

// One event as it is read.
struct Event {
  std::string name;
  std::string category;
  char phase = 0;
  bool has_begin = false;
  int64_t begin_ns = 0;
  int64_t duration_ns = 0;
  int64_t device = 0;
  int64_t thread = 0;
  int64_t stream = -1;
  int64_t correlation = -1;
  int64_t blocks = 1;
  int grid_sides = 0;

  void clear() {
    name.clear();
    category.clear();
    phase = 0;
    has_begin = false;
    begin_ns = duration_ns = device = thread = 0;
    stream = correlation = -1;
    blocks = 1;
    grid_sides = 0;
  }
};

// What RapidJSON calls as it reads. False stops it; problem() says why.
class KinetoHandler {
 public:
  explicit KinetoHandler(BlockReader& file) : file_(file) {}

  bool Null() { return scalar(); }
  bool Bool(bool) { return scalar(); }
  // Numbers come as their text.
  bool Int(int) { return scalar(); }
  bool Uint(unsigned) { return scalar(); }
  bool Int64(int64_t) { return scalar(); }
  bool Uint64(uint64_t) { return scalar(); }
  bool Double(double) { return scalar(); }

  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view number(text, size);
    if (in_event_) return event_number(number) && scalar();
    if (section_ == Field::kDevices && field_ == Field::kSms) return whole(number, &run_.sms) && scalar();
    if (section_ == Field::kDistributed && field_ == Field::kRank) {
      int rank = 0;
      if (!whole(number, &rank)) return false;
      run_.rank = rank;
    }
    return scalar();
  }

  bool String(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view value(text, size);
    if (in_event_ && depth_ + depth_offset_ == 3) {
      if (field_ == Field::kName) event_.name = value.substr(0, kMostNameBytes);
      if (field_ == Field::kCategory) event_.category = value;
      if (field_ == Field::kPhase) event_.phase = value.size() == 1 ? value[0] : 0;
      if (field_ == Field::kThread) event_.thread = -1;  // "stream 7" of old files: the args have its number
    }
    return scalar();
  }

  bool Key(const char* text, rapidjson::SizeType size, bool) {
    field_ = field_of({text, size}, depth_ + depth_offset_);
    if (depth_ + depth_offset_ == 1) section_ = field_;
    return true;
  }

  bool StartObject() {
    if (!open()) return false;
    if (section_ == Field::kEvents && depth_ + depth_offset_ == 3) {
      in_event_ = true;
      event_.clear();
    }
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (section_ == Field::kEvents && depth_ + depth_offset_ == 3) {
      in_event_ = false;
      if (!finish_event()) return false;
    }
    return close();
  }
  bool StartArray() {
    if (depth_ == 0) {  // a bare list of events, as chrome://tracing takes
      depth_offset_ = 1;
      section_ = Field::kEvents;
    }
    return open();
  }
  bool EndArray(rapidjson::SizeType) { return close(); }

  const std::string& problem() const { return problem_; }
  bool has_events() const { return has_events_; }
  ProfiledRun take_run() {
    const bool on_gpu = std::ranges::any_of(run_.ranges, &ProfiledRun::Range::on_gpu);
    if (!run_.ranges.empty() && !on_gpu) add_launches();
    run_.names = names_.strings();
    std::ranges::stable_sort(run_.kernels, {}, &ProfiledRun::Kernel::begin_ns);
    std::ranges::stable_sort(run_.ranges, {}, &ProfiledRun::Range::begin_ns);
    return std::move(run_);
  }

 private:
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  bool scalar() {
    if (depth_ + depth_offset_ <= 4) file_.value_ended();
    return true;
  }

  bool open() {
    if (depth_ == kMostDepth) return refuse(fmt::format("more than {} objects and lists in each other", kMostDepth));
    ++depth_;
    if (section_ == Field::kEvents && depth_ + depth_offset_ == 2) has_events_ = true;
    return true;
  }
  bool close() {
    --depth_;
    file_.value_ended();
    return true;
  }

  template <typename Number>
  bool whole(std::string_view text, Number* number) {
    int64_t value = 0;
    if (!parse_whole(text, &value) || value < std::numeric_limits<Number>::min() ||
        value > std::numeric_limits<Number>::max()) {
      return refuse(fmt::format("{} is no whole number of that size", text.substr(0, 40)));
    }
    *number = static_cast<Number>(value);
    return true;
  }

  bool time(std::string_view text, int64_t* ns) {
    if (parse_microseconds(text, ns)) return true;
    return refuse(fmt::format("{} is no time in microseconds", text.substr(0, 40)));
  }

  bool event_number(std::string_view text) {
    const int depth = depth_ + depth_offset_;
    if (depth == 3) {
      if (field_ == Field::kBegin) return event_.has_begin = true, time(text, &event_.begin_ns);
      if (field_ == Field::kDuration) return time(text, &event_.duration_ns);
      if (field_ == Field::kProcess) return whole(text, &event_.device);
      if (field_ == Field::kThread) return whole(text, &event_.thread);
    } else if (depth == 4) {
      if (field_ == Field::kStream) return whole(text, &event_.stream);
      if (field_ == Field::kCorrelation) return whole(text, &event_.correlation);
    } else if (depth == 5 && field_ == Field::kGrid) {
      int64_t side = 0;
      if (!whole(text, &side)) return false;
      if (side < 1 || ++event_.grid_sides > 3) return refuse("a grid has three sides of 1 and more");
      event_.blocks = std::min<int64_t>(event_.blocks * std::min<int64_t>(side, INT32_MAX), INT32_MAX);
    }
    return true;
  }

  bool finish_event() {
    if (event_.phase != 'X') return true;
    const std::string& category = event_.category;
    if (category == "kernel" || category == "Kernel") return finish_kernel(static_cast<uint32_t>(event_.blocks));
    if (category == "gpu_memcpy" || category == "gpu_memset") return finish_kernel(0);
    if (category == "gpu_user_annotation" || category == "user_annotation") return finish_range();
    if (category == "cuda_runtime" || category == "cuda_driver") return finish_launch();
    return true;
  }

  bool check_event() {
    if (!event_.has_begin) return refuse("an event without ts");
    if (event_.duration_ns < 0) return refuse("dur is below 0");
    if (run_.kernels.size() + run_.ranges.size() + launches_.size() < kMostEvents) return true;
    return refuse(fmt::format("more than {} kernels, launches and ranges", kMostEvents));
  }

  bool finish_kernel(uint32_t blocks) {
    if (!check_event()) return false;
    if (names_.strings().size() >= kMostNames) return refuse(fmt::format("more than {} names", kMostNames));
    run_.kernels.push_back({.begin_ns = event_.begin_ns,
                            .end_ns = event_.begin_ns + event_.duration_ns,
                            .name = names_.number_of(event_.name),
                            .stream = stream_of_event(),
                            .blocks = blocks});
    correlations_.push_back(event_.correlation);
    return true;
  }

  bool finish_range() {
    const std::string_view name = event_.name;
    if (!name.starts_with(kRangeMark)) return true;
    if (!check_event()) return false;
    const auto slot = parse_torch_pass(name.substr(kRangeMark.size()));
    if (!slot) return true;
    const int64_t end_ns = event_.begin_ns + event_.duration_ns;
    const bool on_gpu = event_.category == "gpu_user_annotation";
    run_.ranges.push_back({event_.begin_ns, end_ns, *slot, on_gpu, on_gpu ? stream_of_event() : 0});
    return true;
  }

  bool finish_launch() {
    if (event_.correlation < 0) return true;
    if (!check_event()) return false;
    launches_.emplace_back(event_.correlation, event_.begin_ns);
    return true;
  }

  // When the host launched each kernel. REQUIRES: kernels are as they came.
  void add_launches() {
    std::ranges::sort(launches_);
    for (size_t i = 0; i < run_.kernels.size(); ++i) {
      const auto found = std::ranges::lower_bound(launches_, correlations_[i], {}, &Launch::first);
      if (found != launches_.end() && found->first == correlations_[i]) run_.kernels[i].launch_ns = found->second;
    }
  }

  uint32_t stream_of_event() {
    const ProfiledRun::Stream stream = {event_.device, event_.stream >= 0 ? event_.stream : event_.thread};
    const auto number = static_cast<size_t>(std::ranges::find(run_.streams, stream) - run_.streams.begin());
    if (number == run_.streams.size() && number < kMostStreams) run_.streams.push_back(stream);
    return static_cast<uint32_t>(std::min(number, kMostStreams - 1));
  }

  static constexpr size_t kMostStreams = 4096;  // the last stands for all beyond

  BlockReader& file_;
  using Launch = std::pair<int64_t, int64_t>;  // correlation, when

  ProfiledRun run_;
  StringTable names_;
  std::vector<int64_t> correlations_;  // of the kernels
  std::vector<Launch> launches_;
  Event event_;
  std::string problem_;
  Field section_ = Field::kOther;  // of the file
  Field field_ = Field::kOther;    // whose value comes next
  int depth_ = 0;
  int depth_offset_ = 0;  // a bare list of events stands one deeper
  bool in_event_ = false;
  bool has_events_ = false;
};

}  // namespace

Result<ProfiledRun> read_kineto(const std::string& path) {
  PIPELOOM_TRY(BlockReader file, BlockReader::open(path));
  KinetoHandler handler(file);
  rapidjson::Reader reader;
  const rapidjson::ParseResult parsed = reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(file, handler);
  if (!file.problem().empty()) return fail(ErrorCode::kIo, fmt::format("can't read {}: {}", path, file.problem()));
  if (!parsed) {
    const std::string& problem = handler.problem();
    return invalid(fmt::format("{}:{}:{}: {}", path, file.line(), file.column(),
                               problem.empty() ? rapidjson::GetParseError_En(parsed.Code()) : problem.c_str()));
  }
  if (!handler.has_events()) return invalid(fmt::format("{}: no traceEvents: not a trace of PyTorch's profiler", path));
  return handler.take_run();
}

}  // namespace pipeloom::proto
