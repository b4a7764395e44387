#include "sim/cost/training_context.h"

#include <algorithm>

#include "sim/cost/groups.h"
#include "sim/cost/saved_tensors.h"
#include "sim/cost/training_layer.h"

namespace pipeloom::sim {

namespace {

double link_seconds(const Job& job, double bytes) {
  const TrainingRates& rates = job.software->rates;
  const double bytes_per_s =
      ring_bytes_per_s(context_group(job.layout, *job.cluster), *job.cluster) * rates.tensor_ring_share;
  return bytes / bytes_per_s + rates.ring_start_us * 1e-6;
}

PassSeconds ring(const Job& job, double key_value_bytes, const PassSeconds& core) {
  const double members = job.layout.context;
  const double exchange = link_seconds(job, key_value_bytes);
  const double with_gradients = link_seconds(job, 2 * key_value_bytes);
  return {(members - 1) * std::max(0.0, exchange - core.forward / members),
          (members - 1) * std::max(0.0, with_gradients - core.input / members), 0};
}

}  // namespace

PassSeconds context_exchange(const Job& job, const PassSeconds& core) {
  if (job.layout.context == 1) return {};
  const AttentionShape& a = job.model->attention;
  const double key_heads = a.is_mla() ? a.heads : a.kv_heads;
  const double tokens = training_tokens(job).all / job.layout.tensor;
  const double key_value_bytes = kWideBytes * tokens * key_heads * (a.head_dim + a.rope_dim + a.value_dim);
  if (!job.software->context_all_to_all) return ring(job, key_value_bytes, core);
  const double query_bytes = kWideBytes * tokens * a.heads * (a.head_dim + a.rope_dim + a.value_dim);  // and result
  const double leaves = 1 - 1.0 / job.layout.context;
  const double seconds = link_seconds(job, leaves * (key_value_bytes + query_bytes));
  return {seconds, seconds, 0};
}

}  // namespace pipeloom::sim
