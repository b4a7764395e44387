#include "backend/device/measure/measure_variants.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "backend/device/comm/copy.h"
#include "backend/device/measure/neighbours.h"

namespace pipeloom::backend {

namespace {

constexpr int kCommSms = 20;      // DeepSeek-V3's
constexpr int kPieceTokens = 28;  // DeepEP's for 64 ranks
constexpr int kTimes = 4;         // that a kernel runs in one measurement
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kMessageBytes = 16 * kMiB;
constexpr int64_t kBufferBytes = 256 * kMiB;  // five times Hopper's L2

// A communication kernel, ready to be enqueued again and again.
struct Variant {
  std::string what;
  int64_t bytes = 0;  // that one run copies
  std::function<void()> run;
};

class Variants {
 public:
  Variants(MeasuredDevice& device, ExchangeOnGpu& exchange, TuneMeasurements& measured)
      : device_(device),
        comm_(device.make_timer(true)),
        compute_(device.make_timer(false)),
        exchange_(exchange),
        measured_(measured),
        from_(device, kBufferBytes),
        to_(device, kBufferBytes),
        product_(device, device.sms() - kCommSms),
        memory_bound_(device, device.sms() - kCommSms) {
    exchange_.set(kCommSms, kPieceTokens);
    for (const CopyMethod method : kCopyMethods) add_copy(method);
    for (const bool hints : {true, false}) add_exchange(hints);
  }

  void time_all() {
    const auto product = [&] { product_.run(compute_->stream()); };
    const auto memory_bound = [&] { memory_bound_.run(compute_->stream()); };
    measured_.product.alone_s = compute_->median_s([&](int) { several(product); });
    measured_.memory_bound.alone_s = compute_->median_s([&](int) { several(memory_bound); });
    for (const Variant& variant : variants_) {
      MeasuredVariant& one = measured_.variants.emplace_back();
      one.what = variant.what;
      one.sms = kCommSms;
      const double variant_s = comm_->median_s([&](int) { variant.run(); });
      one.bytes_per_s = static_cast<double>(variant.bytes) / variant_s;
      one.product_s = beside_s(variant, variant_s, measured_.product.alone_s, product);
      one.memory_bound_s = beside_s(variant, variant_s, measured_.memory_bound.alone_s, memory_bound);
    }
    const auto contention = [&](MeasuredContention& of, double MeasuredVariant::*beside) {
      of.beside_dispatch_s = find("dispatch with hints").*beside;
      of.beside_combine_s = find("combine with hints").*beside;
    };
    contention(measured_.product, &MeasuredVariant::product_s);
    contention(measured_.memory_bound, &MeasuredVariant::memory_bound_s);
  }

  Status count_all() {
    PIPELOOM_TRY(const auto counters, device_.make_l2_counter());
    const auto product = [&] { product_.run(compute_->stream()); };
    const auto memory_bound = [&] { memory_bound_.run(compute_->stream()); };
    PIPELOOM_TRY(measured_.product_l2, counters->count([&] { several(product); }));
    PIPELOOM_TRY(measured_.memory_bound_l2, counters->count([&] { several(memory_bound); }));
    for (size_t i = 0; i < variants_.size(); ++i) {
      const Variant& variant = variants_[i];
      MeasuredVariant& one = measured_.variants[i];
      const double variant_s = static_cast<double>(variant.bytes) / one.bytes_per_s;
      // As long as the kernel beside it: what L2 does is of both.
      const auto both = [&](double kernel_s, const std::function<void()>& kernel) {
        return [&, kernel_s, kernel] {
          keep_running(variant, variant_s, kernel_s);
          several(kernel);
        };
      };
      PIPELOOM_TRY(one.alone, counters->count([&] { keep_running(variant, variant_s, 0); }));
      PIPELOOM_TRY(one.beside_product, counters->count(both(one.product_s, product)));
      PIPELOOM_TRY(one.beside_memory_bound, counters->count(both(one.memory_bound_s, memory_bound)));
    }
    return {};
  }

 private:
  void add_copy(CopyMethod method) {
    const auto run = [this, method] {
      const CopyOptions options{method, kCommSms, kMiB / 16, 0};
      copy_message({comm_->stream(), kCommSms}, from_.as<char>() + at_, to_.as<char>() + at_, kMessageBytes, options);
      at_ = (at_ + kMessageBytes) % kBufferBytes;
    };
    variants_.push_back({std::string("copy ") + copy_method_name(method), kMessageBytes, run});
  }

  void add_exchange(bool hints) {
    const std::string with = hints ? " with hints" : " without hints";
    const int64_t bytes = exchange_.copied_bytes();
    variants_.push_back({"dispatch" + with, bytes, [this, hints] {
                           exchange_.set_cache_hints(hints);
                           exchange_.dispatch(comm_->stream());
                         }});
    variants_.push_back({"combine" + with, bytes, [this, hints] {
                           exchange_.set_cache_hints(hints);
                           exchange_.combine(comm_->stream());
                         }});
  }

  static void several(const std::function<void()>& kernel) {
    for (int i = 0; i < kTimes; ++i) kernel();
  }

  // Without a pause for at least so long.
  static void keep_running(const Variant& variant, double variant_s, double seconds) {
    const int times = static_cast<int>(std::ceil(seconds / variant_s)) + 2;
    for (int i = 0; i < times; ++i) variant.run();
  }

  double beside_s(const Variant& variant, double variant_s, double alone_s, const std::function<void()>& kernel) {
    // Six runs; twice the time, should they take longer.
    keep_running(variant, variant_s, 2 * (StreamTimer::kRuns + 1) * alone_s);
    const double seconds = compute_->median_s([&](int) { several(kernel); });
    device_.wait_for(comm_->stream());
    return seconds;
  }

  const MeasuredVariant& find(const char* what) const {
    return *std::ranges::find(measured_.variants, what, &MeasuredVariant::what);
  }

  MeasuredDevice& device_;
  std::unique_ptr<StreamTimer> comm_;
  std::unique_ptr<StreamTimer> compute_;
  ExchangeOnGpu& exchange_;
  TuneMeasurements& measured_;
  MeasuredMemory from_;
  MeasuredMemory to_;
  int64_t at_ = 0;  // of the next copied message: one that comes again has left L2
  ProductOnGpu product_;
  MemoryBoundOnGpu memory_bound_;
  std::vector<Variant> variants_;
};

}  // namespace

void measure_variants(MeasuredDevice& device, ExchangeOnGpu& exchange, TuneMeasurements& measured) {
  Variants variants(device, exchange, measured);
  variants.time_all();
  const Status counted = variants.count_all();
  if (!counted) measured.no_l2 = counted.error().message;
}

}  // namespace pipeloom::backend
