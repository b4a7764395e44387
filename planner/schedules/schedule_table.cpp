#include "planner/schedules/schedule_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"
#include "planner/schedules/zero_bubble.h"

namespace pipeloom::planner {

namespace {

template <Result<Schedule> (*kGenerate)(const PipelineShape&)>
Result<Schedule> by_shape(const PipelineShape& shape, const ScheduleInputs&) {
  return kGenerate(shape);
}

constexpr bool kOurReading = true;
constexpr bool kReference = false;
constexpr bool kPairs = true;

const NamedSchedule kSchedules[] = {
    {"gpipe", "GPipe", "all forwards, then all backwards",
     "GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism, NeurIPS 2019", kReference,
     linear_placement, by_shape<gpipe>},

    {"1f1b", "1F1B", "one forward, one backward in turn: GPipe's bubble with at most P micro-batches in memory",
     "PipeDream-Flush: Memory-Efficient Pipeline-Parallel DNN Training, ICML 2021", kReference, linear_placement,
     by_shape<one_f_one_b>},

    {"eager-1f1b", "Eager 1F1B", "1F1B with twice the warm-up, so that transfers hide behind compute",
     "On Optimizing the Communication of Model Parallelism, MLSys 2023", kReference, linear_placement,
     by_shape<eager_one_f_one_b>},

    {"1f1b-overlap", "1F1B overlap", "1F1B whose forwards and backwards run as overlapped pairs",
     "PP-Schedule-Visualization, github.com/Victarry/PP-Schedule-Visualization", kReference, linear_placement,
     by_shape<one_f_one_b_overlap>, nullptr, kPairs},

    {"interleaved-1f1b", "Interleaved 1F1B", "1F1B over several chunks per rank: the bubble shrinks by their number",
     "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM, SC 2021, section 2.2",
     kReference, looped_placement, by_shape<interleaved_one_f_one_b>},

    {"interleaved-1f1b-moe-overlap", "Interleaved 1F1B, MoE overlap",
     "interleaved 1F1B with overlapped pairs that hide the all-to-all of experts",
     "Megatron Core: overlap_moe_expert_parallel_comm (combined 1F1B), github.com/NVIDIA/Megatron-LM", kReference,
     looped_placement, by_shape<interleaved_one_f_one_b_overlap>, nullptr, kPairs},

    {"looped-bfs", "Looped BFS", "GPipe over several chunks per rank, breadth first",
     "Breadth-First Pipeline Parallelism, MLSys 2023", kReference, looped_placement, by_shape<looped_bfs>},

    {"interleaved-zb", "Interleaved ZB", "interleaved 1F1B with W split off to fill the drain",
     "Zero Bubble Pipeline Parallelism, ICLR 2024; PyTorch ScheduleInterleavedZeroBubble", kReference, looped_placement,
     by_shape<interleaved_zb>},

    {"zb1p", "ZB1P", "W lags I by the rank's number, with 1F1B's memory; the same order for all costs",
     "Zero Bubble Pipeline Parallelism, ICLR 2024, section 2", kReference, linear_placement, by_shape<zb1p>},

    {"zb-h1-quick", "ZB-H1 quick", "ZB1P that splits a backward only if that shortens the step",
     "github.com/sail-sg/zero-bubble-pipeline-parallelism, branch zb-h1-quick-start", kReference, linear_placement,
     by_shape<zb_h1_quick>},

    {"zb-h1", "ZB-H1", "W fills the bubbles, placed by the costs, with 1F1B's memory",
     "Zero Bubble Pipeline Parallelism, ICLR 2024, sections 2 and 3.1", kReference, linear_placement, zb_h1},

    {"zb-h2", "ZB-H2", "ZB-H1 with twice the memory: no bubble within a rank's span",
     "Zero Bubble Pipeline Parallelism, ICLR 2024, sections 2 and 3.1", kReference, linear_placement, zb_h2},

    {"zb-v", "ZB-V", "zero bubble on a V placement with 1F1B's memory, placed by the costs",
     "Zero Bubble Pipeline Parallelism, ICLR 2024, section 6", kReference, v_placement, zb_v},

    {"zb-v-pytorch", "ZB-V (PyTorch)", "ZB-V in a fixed order, free of bubbles if F, I and W take equally long",
     "Zero Bubble Pipeline Parallelism, ICLR 2024, section 6; PyTorch ScheduleZBVZeroBubble", kReference, v_placement,
     by_shape<zb_v_pytorch>},

    {"v-half", "V-Half", "a V placement with half of 1F1B's activations",
     "Pipeline Parallelism with Controllable Memory, NeurIPS 2024", kReference, v_placement, by_shape<v_half>},

    {"v-min", "V-Min", "a V placement with a third of 1F1B's activations",
     "Pipeline Parallelism with Controllable Memory, NeurIPS 2024", kReference, v_placement, by_shape<v_min>},

    {"dualpipe", "DualPipe", "micro-batches from both ends, overlapped pairs, W split off at the ends",
     "DeepSeek-V3 Technical Report, arXiv 2412.19437, section 3.2.1", kReference, dualpipe_placement,
     by_shape<dualpipe>, nullptr, kPairs},

    {"dualpipev", "DualPipeV", "DualPipe cut in half: a V placement with one copy of the model",
     "DualPipe could be better without the Dual, Sea AI Lab 2025; github.com/deepseek-ai/DualPipe", kReference,
     v_placement, by_shape<dualpipev>, nullptr, kPairs},

    {"chimera", "Chimera", "2f pipes in two directions whose bubbles fill each other; direct concatenation",
     "Chimera: Efficiently Training Large-Scale Neural Networks with Bidirectional Pipelines, SC 2021", kReference,
     chimera_placement, by_shape<chimera>},

    {"chimera-doubling", "Chimera, forward doubling", "two micro-batches per forward slot; backwards recompute",
     "Chimera, SC 2021, section 3.5", kOurReading, chimera_placement, by_shape<chimera_doubling>, with_full_recompute},

    {"chimera-halving", "Chimera, backward halving", "each backward on half a micro-batch; micro_batches counts halves",
     "Chimera, SC 2021, section 3.5", kOurReading, chimera_placement, by_shape<chimera_halving>,
     with_half_micro_batches},

    {"hanayo", "Hanayo", "waves down and up the ranks with one copy of the model: more waves, less bubble",
     "Hanayo: Harnessing Wave-like Pipeline Parallelism for Enhanced Large Model Training Efficiency, SC 2023",
     kOurReading, wave_placement, by_shape<hanayo>},
};

// Returns Levenshtein's distance, computed one row at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// Reduces a name so that "ZB_H1" and "zbh1" find "zb-h1".
std::string letters_and_digits(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c))) plain += static_cast<char>(std::tolower(c));
  }
  return plain;
}

}  // namespace

std::span<const NamedSchedule> named_schedules() {
  return kSchedules;
}

Result<const NamedSchedule*> find_schedule(std::string_view name) {
  const auto all = named_schedules();
  const std::string wanted = letters_and_digits(name);
  const auto found = std::ranges::find_if(
      all, [&](const NamedSchedule& schedule) { return letters_and_digits(schedule.name) == wanted; });
  if (found != all.end()) return &*found;
  const auto nearest = std::ranges::min_element(
      all, {}, [&](const NamedSchedule& schedule) { return edit_distance(name, schedule.name); });
  return fail(ErrorCode::kNotFound,
              fmt::format("schedule \"{}\" is unknown; did you mean \"{}\"? All of them: pipeloom list-schedules", name,
                          nearest->name));
}

}  // namespace pipeloom::planner
