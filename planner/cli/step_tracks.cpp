#include "planner/cli/step_tracks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/schedule/messages.h"
#include "core/tasks/component_times.h"
#include "planner/subject/explanation.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {

namespace {

constexpr int64_t kBytesPerGigabyte = 1'000'000'000;
constexpr int64_t kMillion = 1'000'000;

class StepTracks {
 public:
  explicit StepTracks(const Subject& subject)
      : subject_(subject),
        why_(subject),
        evaluation_(subject.evaluation),
        schedule_(subject.evaluation.schedule),
        slices_of_slot_(subject.evaluation.schedule.slots().size()) {}

  proto::Tracks build() {
    tracks_.ranks = schedule_.ranks();
    sort_transfers();
    for (int rank = 0; rank < schedule_.ranks(); ++rank) add_rank(rank);
    for (const Message& message : why_.messages().messages()) {
      tracks_.flows.push_back({slices_of_slot_[message.producer], slices_of_slot_[message.consumer]});
    }
    return std::move(tracks_);
  }

 private:
  // Those that occupy a link, by queue.
  void sort_transfers() {
    const auto queues = schedule_.placement().queues();
    hand_overs_of_.resize(queues.size());
    for (const HandOver& hand_over : evaluation_.timeline.hand_overs) {
      if (occupied_until(hand_over) > hand_over.start_ns) hand_overs_of_[hand_over.queue].push_back(hand_over);
    }
    for (auto& transfers : hand_overs_of_) std::ranges::stable_sort(transfers, {}, &HandOver::start_ns);
  }

  const LinkCost& link_of(const HandOver& hand_over) const {
    const Placement::Queue& queue = schedule_.placement().queues()[hand_over.queue];
    return evaluation_.costs.schedule.link(queue.source, queue.target);
  }
  // The latency that follows delays the message, and leaves the link free.
  int64_t occupied_until(const HandOver& hand_over) const {
    return hand_over.arrival_ns - link_of(hand_over).latency_ns;
  }

  void add_rank(int rank) {
    add_slots(rank);
    add_bubbles(rank);
    add_transfers(rank);
    add_reductions(rank);
    add_moving_average(rank);
    add_memory(rank);
    add_links(rank);
  }

  std::string name_of(const Slot& slot) const {
    if (schedule_.placement().chunks_per_rank() == 1) return slot_label(slot);
    if (!slot.is_pair()) return fmt::format("{} stage {}", slot_label(slot), slot.stage);
    return fmt::format("{} stages {}, {}", slot_label(slot), slot.stage, slot.backward_stage);
  }

  // The compute track and, beside it, the all-to-all's; both inside the slots' times.
  void add_slots(int rank) {
    const uint32_t compute = tracks_.add_track(rank, "compute");
    exchange_track_ = proto::Tracks::kNone;
    SmShares shares;
    for (uint32_t number = schedule_.first_slot(rank); number < schedule_.first_slot(rank + 1); ++number) {
      const Slot& slot = schedule_.slots()[number];
      const int64_t start_ns = evaluation_.timeline.start_ns[number];
      slices_of_slot_[number] = tracks_.add_slice(compute, name_of(slot), slot_kind_name(slot.kind), start_ns,
                                                  evaluation_.timeline.end_ns[number]);
      for (const ComponentInterval& interval : component_times(slot, evaluation_.costs)) {
        add_component(rank, compute, interval, start_ns, shares);
      }
    }
    const sim::RankEnd& end = evaluation_.end.ranks[rank];
    add_after_slots(compute, "gradient norm", end.norm_begin_ns, end.norm_end_ns);
    add_after_slots(compute, "optimizer", end.optimizer_begin_ns, end.optimizer_end_ns);
    if (subject_.job.cluster) add_sms(rank, shares);
  }

  void add_after_slots(uint32_t track, const char* name, int64_t begin_ns, int64_t end_ns) {
    if (end_ns > begin_ns) tracks_.add_slice(track, name, "step end", begin_ns, end_ns);
  }

  // +1 where a lane begins to be busy, -1 where it ends.
  struct SmShares {
    std::map<int64_t, std::pair<int, int>> changes;  // [time] of compute and of communication
  };

  void add_component(int rank, uint32_t compute, const ComponentInterval& interval, int64_t start_ns,
                     SmShares& shares) {
    const ComponentCost& cost = interval.part.cost;
    const int64_t begin_ns = start_ns + interval.begin_ns;
    const int64_t end_ns = start_ns + interval.end_ns;
    if (cost.component == Component::kStage || end_ns == begin_ns) return;
    const bool computes = cost.lane == Lane::kCompute;
    if (!computes && exchange_track_ == proto::Tracks::kNone)
      exchange_track_ = tracks_.add_track(rank, lane_name(Lane::kEp));
    tracks_.add_slice(
        computes ? compute : exchange_track_,
        fmt::format("{} {} layer {}", component_name(cost.component), slot_kind_name(interval.part.pass), cost.layer),
        component_name(cost.component), begin_ns, end_ns);
    if (cost.component == Component::kWait) return;
    auto& begin = shares.changes[begin_ns];
    auto& end = shares.changes[end_ns];
    (computes ? begin.first : begin.second) += 1;
    (computes ? end.first : end.second) -= 1;
  }

  // Where the value is another than before.
  void add_sample(const proto::Tracks::Sample& sample) {
    const auto [last, first] = last_value_.try_emplace(sample.counter, sample.value);
    if (!first && last->second == sample.value) return;
    last->second = sample.value;
    tracks_.samples.push_back(sample);
  }

  void add_sms(int rank, const SmShares& shares) {
    const Cluster& cluster = *subject_.job.cluster;
    const uint32_t compute =
        tracks_.add_counter({"SMs of compute", static_cast<uint32_t>(rank), proto::CounterUnit::kCount, "SMs"});
    const uint32_t communication =
        tracks_.add_counter({"SMs of communication", static_cast<uint32_t>(rank), proto::CounterUnit::kCount, "SMs"});
    int computing = 0;
    int communicating = 0;
    for (const auto& [time_ns, change] : shares.changes) {
      computing += change.first;
      communicating += change.second;
      const int taken = communicating > 0 ? cluster.comm_sms : 0;
      const int left = cluster.shared_gpu ? cluster.compute_sms() : cluster.gpu.sms - taken;
      add_sample({compute, time_ns, computing > 0 ? left : 0});
      add_sample({communication, time_ns, taken});
    }
  }

  void add_bubbles(int rank) {
    const uint32_t track = tracks_.add_track(rank, "bubbles");
    for (const IdleInterval& idle : why_.idle()) {
      if (idle.rank != rank || idle.end_ns == idle.begin_ns) continue;
      const uint32_t slice =
          tracks_.add_slice(track, idle_cause_name(idle.cause), "bubble", idle.begin_ns, idle.end_ns);
      if (idle.waits_for == IdleInterval::kNoSlot) continue;
      tracks_.slices[slice].detail = tracks_.details.number_of(why_.name(idle.waits_for));
    }
  }

  void add_transfers(int rank) {
    const auto queues = schedule_.placement().queues();
    for (size_t queue = 0; queue < queues.size(); ++queue) {
      if (queues[queue].source != rank || hand_overs_of_[queue].empty()) continue;
      const bool forward = queues[queue].direction == Direction::kForward;
      const uint32_t track = tracks_.add_track(
          rank, fmt::format("p2p to rank {}, {}", queues[queue].target, forward ? "activations" : "gradients"));
      for (const HandOver& hand_over : hand_overs_of_[queue]) {
        const Slot& slot = schedule_.slots()[hand_over.producer];
        tracks_.add_slice(
            track,
            forward ? fmt::format("F{}", slot.micro_batch) : fmt::format("B{}", slot.backward_pass_micro_batch()),
            "p2p", hand_over.start_ns, occupied_until(hand_over));
      }
    }
  }

  void add_reductions(int rank) {
    uint32_t track = proto::Tracks::kNone;
    for (const sim::RankEnd::Reduction& reduction : evaluation_.end.ranks[rank].reductions) {
      if (reduction.end_ns == reduction.begin_ns) continue;
      if (track == proto::Tracks::kNone) track = tracks_.add_track(rank, lane_name(Lane::kDp));
      tracks_.add_slice(track, fmt::format("reduce stage {}", reduction.stage), "dp", reduction.begin_ns,
                        reduction.end_ns);
    }
  }

  void add_moving_average(int rank) {
    const int64_t end_ns = evaluation_.end.ranks[rank].ema_end_ns;
    if (end_ns > 0)
      tracks_.add_slice(tracks_.add_track(rank, lane_name(Lane::kHost)), "moving average", "host", 0, end_ns);
  }

  // Bytes: all that the rank holds; without a model, its activations.
  void add_memory(int rank) {
    const bool bytes = evaluation_.costs.in_bytes();
    const RankMemory& memory = evaluation_.memory[rank];
    const uint32_t counter = tracks_.add_counter({bytes ? "memory" : "activations", static_cast<uint32_t>(rank),
                                                  bytes ? proto::CounterUnit::kBytes : proto::CounterUnit::kCount,
                                                  bytes ? "" : "activations", bytes ? 1 : kMillion});
    const int64_t always = bytes ? memory.total() - memory.activations - memory.temporaries : 0;
    for (const sim::MemoryPoint& point : sim::activation_curve(
             schedule_, evaluation_.timeline, evaluation_.costs.activations, rank, evaluation_.costs.temporaries)) {
      add_sample({counter, point.time_ns, always + point.held});
    }
  }

  void add_links(int rank) {
    const auto queues = schedule_.placement().queues();
    std::map<int64_t, int64_t> changes;  // [time] of the bytes per second
    for (size_t queue = 0; queue < queues.size(); ++queue) {
      if (queues[queue].source != rank) continue;
      for (const HandOver& hand_over : hand_overs_of_[queue]) {
        changes[hand_over.start_ns] += link_of(hand_over).bytes_per_s;
        changes[occupied_until(hand_over)] -= link_of(hand_over).bytes_per_s;
      }
    }
    if (changes.empty()) return;
    const uint32_t counter = tracks_.add_counter(
        {"p2p links out", static_cast<uint32_t>(rank), proto::CounterUnit::kCount, "GB/s", kBytesPerGigabyte});
    int64_t bytes_per_s = 0;
    for (const auto& [time_ns, change] : changes) {
      bytes_per_s += change;
      add_sample({counter, time_ns, bytes_per_s});
    }
  }

  const Subject& subject_;
  const Explanation why_;
  const Evaluation& evaluation_;
  const Schedule& schedule_;
  std::vector<uint32_t> slices_of_slot_;
  std::vector<std::vector<HandOver>> hand_overs_of_;  // [queue]
  uint32_t exchange_track_ = proto::Tracks::kNone;    // of the rank at hand
  std::map<uint32_t, int64_t> last_value_;            // [counter]
  proto::Tracks tracks_;
};

}  // namespace

proto::Tracks step_tracks(const Subject& subject) {
  return StepTracks(subject).build();
}

}  // namespace pipeloom::planner
