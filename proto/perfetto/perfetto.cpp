#include "proto/perfetto/perfetto.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "proto/perfetto/perfetto.pb.h"

namespace pipeloom::proto {

namespace {

namespace messages = perfetto::protos;

constexpr uint32_t kSequence = 1;
constexpr uint32_t kStateCleared = 1;  // TracePacket::SequenceFlags
constexpr uint32_t kNeedsState = 2;

// One of the trace's events, to be put in order of time.
struct Event {
  enum class Kind : uint8_t { kBegin, kEnd, kSample };

  int64_t time_ns = 0;
  Kind kind = Kind::kBegin;
  uint32_t number = 0;  // of the slice or sample
};

// The begins and ends of a track's slices in an order in which they nest.
void add_slice_events(const Tracks& tracks, const std::vector<uint32_t>& slices, std::vector<Event>& events) {
  std::vector<uint32_t> open;
  const auto close_until = [&](int64_t time_ns) {
    while (!open.empty() && tracks.slices[open.back()].end_ns <= time_ns) {
      events.push_back({tracks.slices[open.back()].end_ns, Event::Kind::kEnd, open.back()});
      open.pop_back();
    }
  };
  for (const uint32_t slice : slices) {
    close_until(tracks.slices[slice].begin_ns);
    events.push_back({tracks.slices[slice].begin_ns, Event::Kind::kBegin, slice});
    open.push_back(slice);
  }
  close_until(INT64_MAX);
}

std::vector<Event> events_of(const Tracks& tracks) {
  std::vector<std::vector<uint32_t>> slices_of(tracks.tracks.size());
  for (uint32_t i = 0; i < tracks.slices.size(); ++i) slices_of[tracks.slices[i].track].push_back(i);
  std::vector<Event> events;
  events.reserve(2 * tracks.slices.size() + tracks.samples.size());
  for (const auto& slices : slices_of) add_slice_events(tracks, slices, events);
  for (uint32_t i = 0; i < tracks.samples.size(); ++i) {
    events.push_back({tracks.samples[i].time_ns, Event::Kind::kSample, i});
  }
  std::ranges::stable_sort(events, {}, &Event::time_ns);
  return events;
}

// [slice] The flows that begin (or end) there, one after the other.
class FlowTable {
 public:
  FlowTable(const Tracks& tracks, uint32_t Tracks::Flow::*end) : begin_(tracks.slices.size() + 1) {
    for (const Tracks::Flow& flow : tracks.flows) ++begin_[flow.*end + 1];
    for (size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    flows_.resize(tracks.flows.size());
    std::vector<uint32_t> next(begin_.begin(), begin_.end() - 1);
    for (uint32_t i = 0; i < tracks.flows.size(); ++i) flows_[next[tracks.flows[i].*end]++] = i;
  }
  std::span<const uint32_t> of(uint32_t slice) const {
    return std::span(flows_).subspan(begin_[slice], begin_[slice + 1] - begin_[slice]);
  }

 private:
  std::vector<uint32_t> begin_;
  std::vector<uint32_t> flows_;
};

class PerfettoWriter {
 public:
  explicit PerfettoWriter(const Tracks& tracks)
      : tracks_(tracks), sources_(tracks, &Tracks::Flow::from), targets_(tracks, &Tracks::Flow::to) {}

  std::string write() {
    write_names();
    write_order();
    for (int rank = 0; rank < tracks_.ranks; ++rank) write_rank(rank);
    for (uint32_t i = 0; i < tracks_.tracks.size(); ++i) write_track(i);
    for (uint32_t i = 0; i < tracks_.counters.size(); ++i) write_counter(i);
    for (const Event& event : events_of(tracks_)) write_event(event);
    return std::move(text_);
  }

 private:
  // Numbers of tracks. Those with the most events are the smallest, and so the shortest.
  uint64_t track_uuid(uint32_t track) const { return 1 + track; }
  uint64_t counter_uuid(uint32_t counter) const { return 1 + tracks_.tracks.size() + counter; }
  uint64_t rank_uuid(uint32_t rank) const { return 1 + tracks_.tracks.size() + tracks_.counters.size() + rank; }

  template <typename Message>
  static void store(const StringTable& table, Message* (messages::InternedData::*add)(), messages::InternedData* data) {
    for (size_t i = 0; i < table.strings().size(); ++i) {
      Message* entry = (data->*add)();
      entry->set_iid(i + 1);
      entry->set_name(table.strings()[i]);
    }
  }

  void write_names() {
    packet_.set_sequence_flags(kStateCleared | kNeedsState);
    messages::InternedData* data = packet_.mutable_interned_data();
    store(tracks_.categories, &messages::InternedData::add_event_categories, data);
    store(tracks_.names, &messages::InternedData::add_event_names, data);
    if (!tracks_.details.strings().empty()) {
      messages::DebugAnnotationName* name = data->add_debug_annotation_names();
      name->set_iid(1);
      name->set_name("detail");
    }
    for (size_t i = 0; i < tracks_.details.strings().size(); ++i) {
      messages::InternedString* entry = data->add_debug_annotation_string_values();
      entry->set_iid(i + 1);
      entry->set_str(tracks_.details.strings()[i]);
    }
    finish_packet();
  }

  // Track 0 is the root: its children are the ranks.
  void write_order() {
    messages::TrackDescriptor* root = packet_.mutable_track_descriptor();
    root->set_uuid(0);
    root->set_child_ordering(messages::TrackDescriptor::EXPLICIT);
    finish_packet();
  }

  void write_rank(int rank) {
    messages::TrackDescriptor* track = packet_.mutable_track_descriptor();
    track->set_uuid(rank_uuid(rank));
    track->mutable_process()->set_pid(rank + 1);  // no process is number 0
    track->mutable_process()->set_process_name(fmt::format("rank {}", rank));
    track->set_child_ordering(messages::TrackDescriptor::EXPLICIT);
    track->set_sibling_order_rank(rank);
    finish_packet();
  }

  void write_track(uint32_t number) {
    const Tracks::Track& it = tracks_.tracks[number];
    messages::TrackDescriptor* track = packet_.mutable_track_descriptor();
    track->set_uuid(track_uuid(number));
    track->set_parent_uuid(rank_uuid(it.rank));
    track->set_name(it.name);
    track->set_sibling_order_rank(static_cast<int>(number));
    track->set_sibling_merge_behavior(messages::TrackDescriptor::SIBLING_MERGE_BEHAVIOR_NONE);
    finish_packet();
  }

  void write_counter(uint32_t number) {
    const Tracks::Counter& it = tracks_.counters[number];
    messages::TrackDescriptor* track = packet_.mutable_track_descriptor();
    track->set_uuid(counter_uuid(number));
    track->set_parent_uuid(rank_uuid(it.rank));
    track->set_name(it.name);
    track->set_sibling_order_rank(static_cast<int>(tracks_.tracks.size() + number));
    messages::CounterDescriptor* counter = track->mutable_counter();
    counter->set_unit(it.unit == CounterUnit::kBytes ? messages::CounterDescriptor::UNIT_SIZE_BYTES
                                                     : messages::CounterDescriptor::UNIT_COUNT);
    if (!it.unit_name.empty()) counter->set_unit_name(it.unit_name);
    finish_packet();
  }

  void write_event(const Event& event) {
    packet_.set_timestamp(event.time_ns);
    switch (event.kind) {
      case Event::Kind::kBegin:
        begin_slice(event.number);
        break;
      case Event::Kind::kEnd:
        packet_.mutable_track_event()->set_type(messages::TrackEvent::TYPE_SLICE_END);
        packet_.mutable_track_event()->set_track_uuid(track_uuid(tracks_.slices[event.number].track));
        break;
      case Event::Kind::kSample:
        add_sample(tracks_.samples[event.number]);
        break;
    }
    finish_packet();
  }

  void begin_slice(uint32_t number) {
    const Tracks::Slice& slice = tracks_.slices[number];
    packet_.set_sequence_flags(kNeedsState);
    messages::TrackEvent* event = packet_.mutable_track_event();
    event->set_type(messages::TrackEvent::TYPE_SLICE_BEGIN);
    event->set_track_uuid(track_uuid(slice.track));
    event->set_name_iid(slice.name + 1);
    event->add_category_iids(slice.category + 1);
    if (slice.detail != Tracks::kNone) {
      messages::DebugAnnotation* annotation = event->add_debug_annotations();
      annotation->set_name_iid(1);
      annotation->set_string_value_iid(slice.detail + 1);
    }
    for (const uint32_t flow : sources_.of(number)) event->add_flow_ids(flow + 1);
    for (const uint32_t flow : targets_.of(number)) event->add_terminating_flow_ids(flow + 1);
  }

  void add_sample(const Tracks::Sample& sample) {
    messages::TrackEvent* event = packet_.mutable_track_event();
    event->set_type(messages::TrackEvent::TYPE_COUNTER);
    event->set_track_uuid(counter_uuid(sample.counter));
    const int64_t divisor = tracks_.counters[sample.counter].divisor;
    if (divisor == 1) {
      event->set_counter_value(sample.value);
    } else {
      event->set_double_counter_value(static_cast<double>(sample.value) / static_cast<double>(divisor));
    }
  }

  // The packet as a field of the trace, and an empty one for the next.
  void finish_packet() {
    packet_.set_trusted_packet_sequence_id(kSequence);
    packet_.SerializeToString(&bytes_);
    text_ += '\x0a';
    for (size_t size = bytes_.size(); true; size >>= 7) {
      text_ += static_cast<char>(size > 127 ? (size & 127) | 128 : size);
      if (size <= 127) break;
    }
    text_ += bytes_;
    packet_.Clear();
  }

  const Tracks& tracks_;
  const FlowTable sources_;
  const FlowTable targets_;
  messages::TracePacket packet_;
  std::string bytes_;
  std::string text_;
};

}  // namespace

std::string perfetto_trace(const Tracks& tracks) {
  return PerfettoWriter(tracks).write();
}

}  // namespace pipeloom::proto
