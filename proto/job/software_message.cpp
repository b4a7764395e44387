#include "proto/job/software_message.h"

#include <fmt/format.h>

#include "core/job/software_presets.h"
#include "proto/job/job.pb.h"
#include "proto/job/training_rates_files.h"
#include "proto/job/training_rates_message.h"

namespace pipeloom::proto {

namespace {

static_assert(static_cast<int>(ProductRecipe::kNvfp4) == message::Software::NVFP4);
static_assert(static_cast<int>(ProductRecipe::kMxfp8) == message::Software::MXFP8);
static_assert(static_cast<int>(ProductRecipe::kDelayed) == message::Software::FP8_DELAYED);
static_assert(static_cast<int>(Dispatcher::kDeepEp) == message::Software::DEEP_EP);
static_assert(static_cast<int>(Dispatcher::kHybridEp) == message::Software::HYBRID_EP);

template <typename Enum>
Result<Enum> load_choice(const char* field, int value, Enum last) {
  if (value >= 0 && value <= static_cast<int>(last)) return static_cast<Enum>(value);
  return invalid(fmt::format("software.{} is {}; allowed are 0 to {}", field, value, static_cast<int>(last)));
}

void store_parts(const Software& software, message::Software* message) {
  const CapturedParts& graphs = software.graphs;
  if (graphs != CapturedParts{}) {
    message::CapturedParts* stored = message->mutable_graphs();
    stored->set_step(graphs.step);
    stored->set_attention(graphs.attention);
    stored->set_router(graphs.router);
    stored->set_mlp(graphs.mlp);
  }
  const RecomputedParts& recompute = software.recompute;
  if (recompute == RecomputedParts{}) return;
  message::RecomputedParts* stored = message->mutable_recompute();
  stored->set_core_attention(recompute.core_attention);
  stored->set_norms(recompute.norms);
  stored->set_activations(recompute.activations);
  stored->set_mlp(recompute.mlp);
  stored->set_up_projections(recompute.up_projections);
  stored->set_experts(recompute.experts);
  stored->set_operators(recompute.operators);
}

void load_parts(const message::Software& message, Software& software) {
  if (message.has_graphs()) {
    const message::CapturedParts& graphs = message.graphs();
    software.graphs = {graphs.step(), graphs.attention(), graphs.router(), graphs.mlp()};
  }
  if (!message.has_recompute()) return;
  const message::RecomputedParts& recompute = message.recompute();
  software.recompute = {recompute.core_attention(), recompute.norms(),   recompute.activations(), recompute.mlp(),
                        recompute.up_projections(), recompute.experts(), recompute.operators()};
}

// A field that the message has, in the place of what the software has.
template <typename Value>
void load(bool given, Value value, Value& field) {
  if (given) field = value;
}

template <typename Enum>
Status load_given(const char* field, bool given, int value, Enum last, Enum& target) {
  if (!given) return {};
  PIPELOOM_TRY(target, load_choice(field, value, last));
  return {};
}

Status load_choices(const message::Software& message, Software& software) {
  const Status loaded[] = {
      load_given("recipe", message.has_recipe(), message.recipe(), ProductRecipe::kNvfp4, software.recipe),
      load_given("dispatcher", message.has_dispatcher(), message.dispatcher(), Dispatcher::kHybridEp,
                 software.dispatcher),
      load_given("gradients", message.has_gradients(), message.gradients(), Format::kFp8, software.gradients),
      load_given("gathered", message.has_gathered(), message.gathered(), Format::kFp8, software.gathered),
      load_given("engine", message.has_engine(), message.engine(), StateEngine::kDeepSpeed, software.engine),
      load_given("loss", message.has_loss(), message.loss(), LossKernel::kEager, software.loss)};
  for (const Status& status : loaded) PIPELOOM_RETURN_IF_ERROR(status);
  return {};
}

void load_flags(const message::Software& message, Software& software) {
  load(message.has_eight_bit_attention(), message.eight_bit_attention(), software.eight_bit_attention);
  load(message.has_eight_bit_head(), message.eight_bit_head(), software.eight_bit_head);
  load(message.has_overlap_experts(), message.overlap_experts(), software.overlap_experts);
  load(message.has_overlap_gradients(), message.overlap_gradients(), software.overlap_gradients);
  load(message.has_overlap_weights(), message.overlap_weights(), software.overlap_weights);
  load(message.has_overlap_tensor(), message.overlap_tensor(), software.overlap_tensor);
  load(message.has_fused_experts(), message.fused_experts(), software.fused_experts);
  load(message.has_expert_imbalance(), message.expert_imbalance(), software.expert_imbalance);
  load(message.has_compiled(), message.compiled(), software.compiled);
  load(message.has_sdpa(), message.sdpa(), software.sdpa);
  load(message.has_low_precision_states(), message.low_precision_states(), software.low_precision_states);
  load(message.has_dummy_gradients(), message.dummy_gradients(), software.dummy_gradients);
  load(message.has_query_key_norms(), message.query_key_norms(), software.query_key_norms);
  load(message.has_context_all_to_all(), message.context_all_to_all(), software.context_all_to_all);
}

}  // namespace

void store_software(const Software& software, message::Software* message) {
  message->set_name(software.name);
  message->set_recipe(static_cast<message::Software::Recipe>(software.recipe));
  message->set_eight_bit_attention(software.eight_bit_attention);
  message->set_eight_bit_head(software.eight_bit_head);
  store_parts(software, message);
  message->set_dispatcher(static_cast<message::Software::Dispatcher>(software.dispatcher));
  message->set_overlap_experts(software.overlap_experts);
  message->set_overlap_gradients(software.overlap_gradients);
  message->set_overlap_weights(software.overlap_weights);
  message->set_overlap_tensor(software.overlap_tensor);
  message->set_fused_experts(software.fused_experts);
  message->set_expert_imbalance(software.expert_imbalance);
  message->set_compiled(software.compiled);
  message->set_sdpa(software.sdpa);
  message->set_low_precision_states(software.low_precision_states);
  message->set_gradients(static_cast<message::Formats::Format>(software.gradients));
  message->set_gathered(static_cast<message::Formats::Format>(software.gathered));
  message->set_engine(static_cast<message::Software::Engine>(software.engine));
  message->set_loss(static_cast<message::Software::Loss>(software.loss));
  message->set_dummy_gradients(software.dummy_gradients);
  message->set_query_key_norms(software.query_key_norms);
  message->set_context_all_to_all(software.context_all_to_all);
  store_training_rates(software.rates, message->mutable_rates());
}

void shorten_software(const Software& software, const std::string& gpu, message::Software* message) {
  if (find_training_rates(gpu) == software.rates) message->clear_rates();
}

Result<Software> load_software(const message::Software& message, const std::string& gpu) {
  Software software;
  if (!message.preset().empty()) {
    PIPELOOM_TRY(software, software_preset(message.preset()));
  }
  if (message.has_name()) software.name = message.name();
  PIPELOOM_RETURN_IF_ERROR(load_choices(message, software));
  load_flags(message, software);
  load_parts(message, software);
  if (message.has_rates()) {
    PIPELOOM_TRY(software.rates, load_training_rates(message.rates()));
  } else {
    PIPELOOM_TRY(software.rates, find_training_rates(gpu));
  }
  return software;
}

}  // namespace pipeloom::proto
