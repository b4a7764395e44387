#include "backend/cli/training_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/base/files.h"

namespace pipeloom::backend {

Result<TextTokens> read_text(const CommandOptions& options, const Job& job) {
  if (options.text_path.empty()) return invalid("--text is missing: name a file to train on");
  PIPELOOM_TRY(const std::string content, proto::read_file(options.text_path));
  auto text =
      TextTokens::create(content, job.batch, job.model->vocabulary, options.token_bytes, 1 + job.model->mtp_depth);
  if (text) return text;
  return fail(text.error().code, fmt::format("{}: {}", options.text_path, text.error().message));
}

TrainingOptions training_options(const CommandOptions& options) {
  TrainingOptions training;
  training.check = options.check;
  training.seed = options.seed;
  training.adam.learning_rate = options.learning_rate;
  return training;
}

int64_t patience_ns(const CommandOptions& options) {
  return static_cast<int64_t>(std::min(options.deadline_s, 1e9) * 1e9);
}

Status check_checkpoints(const CommandOptions& options) {
  const bool has_folder = !options.checkpoint_folder.empty();
  if (has_folder || (options.checkpoint_every == 0 && !options.resume && !options.overwrite)) return {};
  return invalid("--checkpoint-every, --resume and --overwrite need --checkpoints FOLDER");
}

}  // namespace pipeloom::backend
