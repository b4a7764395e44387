#include "proto/job/training_rates_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "core/base/check.h"
#include "proto/base/embedded.h"
#include "proto/base/message_text.h"
#include "proto/job/fitted_constants.h"
#include "proto/job/job.pb.h"
#include "proto/job/training_rates_message.h"

namespace pipeloom::proto {

namespace {

std::vector<TrainingRates> read_all() {
  std::vector<TrainingRates> all;
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with("proto/rates/")) continue;
    message::TrainingRates message;
    const Status parsed = parse_text(std::string(file.path), std::string(file.content), &message);
    PIPELOOM_THROW_UNLESS(parsed.has_value());  // a test reads them all
    auto rates = load_training_rates(message);
    PIPELOOM_THROW_UNLESS(rates.has_value());
    all.push_back(*std::move(rates));
  }
  return all;
}

}  // namespace

Result<TrainingRates> published_training_rates(const std::string& gpu) {
  static const std::vector<TrainingRates> all = read_all();  // they never change while the program runs
  std::vector<std::string> names;
  for (const TrainingRates& rates : all) {
    if (rates.gpu == gpu) return rates;
    names.push_back(rates.gpu);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("software.rates of \"{}\" are unknown; known are those of {}", gpu, fmt::join(names, ", ")));
}

Result<TrainingRates> fitted_training_rates(const std::string& gpu, const FittedConstants& fitted) {
  PIPELOOM_TRY(TrainingRates published, published_training_rates(gpu));
  return with_fitted(std::move(published), fitted);
}

Result<TrainingRates> find_training_rates(const std::string& gpu) {
  return fitted_training_rates(gpu, known_fitted_constants());
}

}  // namespace pipeloom::proto
