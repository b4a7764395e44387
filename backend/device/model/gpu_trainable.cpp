#include "backend/device/model/gpu_trainable.h"

#include <fmt/format.h>

#include "backend/device/products/description.h"
#include "backend/model/training.h"

namespace pipeloom::backend {

namespace {

Status refuse(bool refused, const char* field, const char* value, const char* allowed) {
  if (!refused) return {};
  return unsupported(fmt::format("{} is {}; on GPUs pipeloom-run trains with {}", field, value, allowed));
}

// Tensor cores read FP8 in whole 16 bytes.
Status check_width(const char* field, int64_t width) {
  if (fits_fp8(width, width)) return {};
  return unsupported(fmt::format("{} is {}; on GPUs FP8 needs a multiple of 16", field, width));
}

Status check_fp8_widths(const Model& model) {
  const AttentionShape& attention = model.attention;
  PIPELOOM_RETURN_IF_ERROR(check_width("model.hidden", model.hidden));
  const int64_t heads = attention.heads;
  PIPELOOM_RETURN_IF_ERROR(check_width("the width of all heads' values", heads * attention.value_dim));
  if (attention.is_mla()) {
    PIPELOOM_RETURN_IF_ERROR(check_width("model.attention.kv_lora_rank", attention.kv_lora_rank));
    PIPELOOM_RETURN_IF_ERROR(check_width("model.attention.rope_dim", attention.rope_dim));
    PIPELOOM_RETURN_IF_ERROR(check_width("model.attention.q_lora_rank", attention.q_lora_rank));
    PIPELOOM_RETURN_IF_ERROR(
        check_width("the width of all heads' queries", heads * (attention.head_dim + attention.rope_dim)));
    PIPELOOM_RETURN_IF_ERROR(
        check_width("the width of all heads' keys and values", heads * (attention.head_dim + attention.value_dim)));
  } else {
    PIPELOOM_RETURN_IF_ERROR(check_width(
        "the width of queries, keys and values",
        heads * attention.head_dim + int64_t{attention.kv_heads} * (attention.head_dim + attention.value_dim)));
  }
  if (model.moe) PIPELOOM_RETURN_IF_ERROR(check_width("model.moe.intermediate", model.moe->intermediate));
  return check_width("model.intermediate", model.intermediate);
}

}  // namespace

Status check_gpu_trainable(const Job& job) {
  PIPELOOM_RETURN_IF_ERROR(check_trainable(job));
  PIPELOOM_RETURN_IF_ERROR(refuse(job.precision == Precision::kFp16, "precision", "FP16", "BF16 or FP8"));
  PIPELOOM_RETURN_IF_ERROR(refuse(job.recompute == Recompute::kFull && job.layout.expert > 1, "recompute", "FULL",
                                  "NONE or SELECTIVE where experts are spread (layout.expert > 1)"));
  const Formats formats = formats_of(job);
  const bool fp8 = formats.attention == Format::kFp8 || formats.mlp == Format::kFp8;
  return fp8 ? check_fp8_widths(*job.model) : Status{};
}

}  // namespace pipeloom::backend
