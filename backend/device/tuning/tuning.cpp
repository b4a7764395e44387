#include "backend/device/tuning/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

double median(std::vector<double> numbers) {
  std::ranges::sort(numbers);
  const size_t half = numbers.size() / 2;
  return numbers.size() % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
}

// The highest rate of every number of SMs.
std::map<int, double> best_rates(const std::vector<MeasuredForward>& measured) {
  std::map<int, double> best;
  for (const MeasuredForward& one : measured) best[one.sms] = std::max(best[one.sms], one.bytes_per_s);
  return best;
}

Status check_measured(const char* what, const std::vector<MeasuredForward>& measured) {
  for (const MeasuredForward& one : measured) {
    if (!(one.bytes_per_s > 0)) {
      return invalid(
          fmt::format("{} on {} SMs with pieces of {} tokens was measured at {} bytes/s; allowed is a rate "
                      "above 0",
                      what, one.sms, one.piece_tokens, one.bytes_per_s));
    }
  }
  if (best_rates(measured).size() >= 2) return {};
  return invalid(
      fmt::format("{} was measured on {} numbers of SMs; at least 2 are needed", what, best_rates(measured).size()));
}

Status check_copies(const std::vector<MeasuredCopy>& copies) {
  for (const MeasuredCopy& copy : copies) {
    if (copy.bytes_per_s > 0) continue;
    return invalid(fmt::format("a {} copy of {} bytes on {} SMs was measured at {} bytes/s; allowed is a rate above 0",
                               copy_method_name(copy.method), copy.message_bytes, copy.sms, copy.bytes_per_s));
  }
  return {};
}

Status check_variants(const std::vector<MeasuredVariant>& variants) {
  for (const MeasuredVariant& one : variants) {
    if (one.bytes_per_s > 0 && one.product_s > 0 && one.memory_bound_s > 0) continue;
    return invalid(
        fmt::format("{} was measured at {} bytes/s, a product beside it at {} s and a memory-bound kernel at {} s; "
                    "allowed are figures above 0",
                    one.what, one.bytes_per_s, one.product_s, one.memory_bound_s));
  }
  return {};
}

Status check_contention(const char* what, const MeasuredContention& measured) {
  if (measured.alone_s > 0 && measured.beside_dispatch_s > 0 && measured.beside_combine_s > 0) return {};
  return invalid(
      fmt::format("{} took {} s alone, {} s beside a dispatch and {} s beside a combine; allowed are times "
                  "above 0",
                  what, measured.alone_s, measured.beside_dispatch_s, measured.beside_combine_s));
}

}  // namespace

MeasuredCopy best_copy(const std::vector<MeasuredCopy>& copies, int64_t message_bytes, double share) {
  double highest = 0;
  for (const MeasuredCopy& copy : copies) {
    if (copy.message_bytes == message_bytes) highest = std::max(highest, copy.bytes_per_s);
  }
  const MeasuredCopy* best = nullptr;
  for (const MeasuredCopy& copy : copies) {
    if (copy.message_bytes != message_bytes || copy.bytes_per_s < share * highest) continue;
    const auto key = [](const MeasuredCopy& one) { return std::tuple(one.sms, one.piece_bytes, -one.bytes_per_s); };
    if (best == nullptr || key(copy) < key(*best)) best = &copy;
  }
  PIPELOOM_THROW_UNLESS(best != nullptr);
  return *best;
}

double sm_bytes_per_s(const std::vector<MeasuredForward>& measured) {
  double highest = 0;
  std::vector<double> per_sm;
  for (const auto& [sms, rate] : best_rates(measured)) {
    per_sm.push_back(rate / sms);
    highest = std::max(highest, per_sm.back());
  }
  std::erase_if(per_sm, [&](double rate) { return rate < 0.9 * highest; });
  return median(per_sm);
}

double piece_tokens_constant(const std::vector<MeasuredForward>& measured) {
  const auto best = best_rates(measured);
  const auto error = [&](double constant) {
    double sum = 0;
    for (const MeasuredForward& one : measured) {
      const double expected = 1 - std::exp(-one.piece_tokens / constant);
      const double difference = one.bytes_per_s / best.at(one.sms) - expected;
      sum += difference * difference;
    }
    return sum;
  };
  // Smooth in the logarithm: a fine grid is as good as a search.
  double found = 1;
  for (double constant = 0.05; constant < 500; constant *= 1.005) {
    if (error(constant) < error(found)) found = constant;
  }
  return found;
}

std::vector<HandOverCurve> hand_over_curves(const std::vector<MeasuredCopy>& copies) {
  std::map<int, std::map<int64_t, const MeasuredCopy*>> fastest;  // by SMs and message
  for (const MeasuredCopy& copy : copies) {
    const MeasuredCopy*& best = fastest[copy.sms][copy.message_bytes];
    if (best == nullptr || copy.bytes_per_s > best->bytes_per_s) best = &copy;
  }
  std::vector<HandOverCurve> curves;
  for (const auto& [sms, of_message] : fastest) {
    HandOverCurve& curve = curves.emplace_back();
    curve.sms = sms;
    for (const auto& [bytes, copy] : of_message) {
      curve.points.push_back({bytes, copy->bytes_per_s, {copy->method, copy->piece_bytes}});
    }
  }
  return curves;
}

std::vector<AllToAllCurve> all_to_all_curves(const std::vector<MeasuredForward>& dispatches,
                                             const std::vector<MeasuredForward>& combines) {
  std::map<int, std::map<int, double>> slower;  // by SMs and piece
  for (const MeasuredForward& dispatch : dispatches) {
    for (const MeasuredForward& combine : combines) {
      if (dispatch.sms != combine.sms || dispatch.piece_tokens != combine.piece_tokens) continue;
      slower[dispatch.sms][dispatch.piece_tokens] = std::min(dispatch.bytes_per_s, combine.bytes_per_s);
    }
  }
  std::vector<AllToAllCurve> curves;
  for (const auto& [sms, of_piece] : slower) {
    std::vector<Curve::Point> points;
    for (const auto& [piece, rate] : of_piece) points.push_back({static_cast<double>(piece), rate});
    curves.push_back({sms, Curve::create("cluster.gpu.rates.all_to_all", std::move(points)).value()});
  }
  return curves;
}

Result<Gpu> tuned_gpu(Gpu gpu, const TuneMeasurements& measured) {
  PIPELOOM_RETURN_IF_ERROR(check_measured("a dispatch", measured.dispatches));
  PIPELOOM_RETURN_IF_ERROR(check_measured("a combine", measured.combines));
  PIPELOOM_RETURN_IF_ERROR(check_copies(measured.copies));
  PIPELOOM_RETURN_IF_ERROR(check_variants(measured.variants));
  PIPELOOM_RETURN_IF_ERROR(check_contention("a product", measured.product));
  PIPELOOM_RETURN_IF_ERROR(check_contention("a memory-bound kernel", measured.memory_bound));
  KernelRates& rates = gpu.rates;
  // The slower of the two decides a layer; the cost model has one rate for both.
  rates.all_to_all_sm_bytes_per_s = std::min(sm_bytes_per_s(measured.dispatches), sm_bytes_per_s(measured.combines));
  rates.all_to_all_piece_tokens =
      std::max(piece_tokens_constant(measured.dispatches), piece_tokens_constant(measured.combines));
  rates.all_to_all = all_to_all_curves(measured.dispatches, measured.combines);
  rates.hand_over = hand_over_curves(measured.copies);
  const auto slowdown = [](double beside_s, double alone_s) { return std::max(1.0, beside_s / alone_s); };
  rates.contention = {slowdown(measured.product.beside_dispatch_s, measured.product.alone_s),
                      slowdown(measured.product.beside_combine_s, measured.product.alone_s),
                      slowdown(measured.memory_bound.beside_dispatch_s, measured.memory_bound.alone_s),
                      slowdown(measured.memory_bound.beside_combine_s, measured.memory_bound.alone_s)};
  rates.memory_efficiency = std::min(1.0, measured.memory_bytes_per_s / gpu.memory_bytes_per_s);
  PIPELOOM_RETURN_IF_ERROR(check_gpu(gpu, false));
  return gpu;
}

}  // namespace pipeloom::backend
