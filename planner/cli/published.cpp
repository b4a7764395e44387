#include "planner/cli/published.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>
#include <vector>

#include "planner/app/published_prediction.h"
#include "planner/cli/published_report.h"
#include "proto/base/files.h"
#include "proto/job/fitted_constants.h"
#include "proto/job/job_io.h"
#include "proto/published/published_rows.h"
#include "proto/svg/scatter.h"

namespace pipeloom::planner {

namespace {

using Conditions = std::vector<std::pair<std::string, std::string>>;

// "model=llama3-8b,gpu=H100"
Result<Conditions> parse_conditions(std::string_view text) {
  Conditions conditions;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view one = text.substr(0, end);
    const size_t equals = one.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return invalid(fmt::format("--where has \"{}\"; each condition is COLUMN=VALUE", one));
    }
    conditions.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return conditions;
}

bool meets(const proto::PublishedTraining& training, const Conditions& conditions) {
  return std::ranges::all_of(conditions, [&](const auto& condition) {
    const auto& [column, value] = condition;
    return (column == "id" ? training.id : training.text(column)) == value;
  });
}

// A misspelt column is met by no training, or with an empty value by all.
Status check_columns(const std::string& path, const std::vector<proto::PublishedTraining>& trainings,
                     const Conditions& conditions) {
  for (const auto& condition : conditions) {
    const std::string& column = condition.first;
    const bool known = std::ranges::any_of(trainings, [&](const proto::PublishedTraining& training) {
      return column == "id" || training.settings.contains(column);
    });
    if (!known) return invalid(fmt::format("--where names the column {}; no training of {} has it", column, path));
  }
  return {};
}

// Writes ID.txtpb for each training that can be said.
Status write_jobs(const std::vector<PublishedPrediction>& predictions, const ModelTexts& texts,
                  const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("can't make {}: {}", folder, error.message()));
  for (const PublishedPrediction& one : predictions) {
    if (!one.predicted()) continue;
    std::string name = one.training.id;
    std::ranges::replace(name, '/', '_');
    PIPELOOM_TRY(const PublishedJob published, published_job(one.training, texts));
    const std::string path = (std::filesystem::path(folder) / (name + ".txtpb")).string();
    PIPELOOM_RETURN_IF_ERROR(proto::write_file_atomically(path, proto::job_to_text(published.job)));
  }
  return {};
}

// The judged steps, coloured by model.
Status write_picture(const std::vector<PublishedPrediction>& predictions, const std::string& path) {
  std::vector<proto::ScatterPoint> points;
  for (const PublishedPrediction& one : predictions) {
    if (!one.compared() || !one.judged) continue;
    points.push_back(
        {*one.measured_seconds, one.predicted_seconds, std::string(one.training.text("model")), one.training.id});
  }
  if (points.empty()) return invalid("--picture is given; no training is judged");
  return proto::write_file_atomically(path, proto::scatter_to_svg("s per step", points));
}

}  // namespace

ModelTexts texts_beside(const std::string& csv_path) {
  const auto folder = std::filesystem::path(csv_path).parent_path() / "models";
  return [folder](const std::string& name) -> Result<std::string> {
    const std::filesystem::path path = folder / (name + ".json");
    if (name.find('/') != std::string::npos || !std::filesystem::exists(path)) {
      return unsupported(fmt::format("model is {}; models/ has no file of it", name));
    }
    return proto::read_file(path.string());
  };
}

Status run_published(const ValidateOptions& options, const Output& output) {
  PIPELOOM_TRY(const Conditions conditions, parse_conditions(options.where));
  PIPELOOM_TRY(const std::string csv, proto::read_file(options.published));
  PIPELOOM_TRY(const auto trainings, proto::parse_published(options.published, csv));
  PIPELOOM_RETURN_IF_ERROR(check_columns(options.published, trainings, conditions));
  const ModelTexts texts = texts_beside(options.published);
  std::optional<FittedConstants> constants;
  if (!options.constants.empty()) {
    PIPELOOM_TRY(constants, proto::read_fitted_constants(options.constants));
  }
  std::vector<PublishedPrediction> predictions;
  for (const proto::PublishedTraining& training : trainings) {
    if (meets(training, conditions)) predictions.push_back(predict_published(training, texts, constants));
  }
  if (predictions.empty() && !conditions.empty()) {
    return invalid(fmt::format("--where is {}; no training of {} meets it", options.where, options.published));
  }
  if (!options.picture.empty()) PIPELOOM_RETURN_IF_ERROR(write_picture(predictions, options.picture));
  if (!options.write_jobs.empty()) PIPELOOM_RETURN_IF_ERROR(write_jobs(predictions, texts, options.write_jobs));
  if (options.json) {
    output.out << published_json(predictions).dump(2) << '\n';
  } else {
    print_published(predictions, output.out);
  }
  return {};
}

}  // namespace pipeloom::planner
