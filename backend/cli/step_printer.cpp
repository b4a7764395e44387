#include "backend/cli/step_printer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

namespace pipeloom::backend {

namespace {

constexpr int kBarWidth = 40;

}  // namespace

void StepPrinter::step(const StepReport& report) {
  const double seconds = static_cast<double>(report.time_ns) / 1e9;
  const double tokens_per_s = static_cast<double>(tokens_) / seconds;
  if (options_.progress) output_.err << "\r\x1b[K";  // the bar gives way to the line
  if (options_.json) {
    nlohmann::json json = {
        {"step", report.step + 1}, {"loss", report.loss}, {"time_ns", report.time_ns}, {"tokens_per_s", tokens_per_s}};
    if (report.mtp_loss) json["mtp_loss"] = *report.mtp_loss;
    output_.out << json.dump() << '\n';
  } else {
    const std::string mtp = report.mtp_loss ? fmt::format("   MTP loss {:8.5f}", *report.mtp_loss) : "";
    output_.out << fmt::format("step {:>6}   loss {:8.5f}{}   {:9.2f} ms   {:10.0f} tokens/s\n", report.step + 1,
                               report.loss, mtp, seconds * 1e3, tokens_per_s);
  }
  output_.out.flush();
  if (options_.progress) bar(report.step + 1);
}

void StepPrinter::bar(int64_t done) const {
  const auto filled = static_cast<size_t>(kBarWidth * done / options_.steps);
  output_.err << fmt::format("[{:<{}}] {} of {} steps", std::string(filled, '#'), kBarWidth, done, options_.steps);
  if (done == options_.steps) output_.err << '\n';
  output_.err.flush();
}

void StepPrinter::end(uint64_t parameters_digest, std::optional<uint64_t> averages_digest) {
  nlohmann::json json = {{"parameters", fmt::format("{:016x}", parameters_digest)}};
  if (averages_digest) json["moving_averages"] = fmt::format("{:016x}", *averages_digest);
  if (options_.json) {
    output_.out << json.dump() << '\n';
    return;
  }
  if (averages_digest) output_.out << "moving averages " << json["moving_averages"].get<std::string>() << '\n';
  output_.out << "parameters " << json["parameters"].get<std::string>() << '\n';
}

}  // namespace pipeloom::backend
