#include "proto/chakra/chakra.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "proto/chakra/chakra.pb.h"

namespace pipeloom::proto {

namespace {

namespace messages = ChakraProtoMsg;

constexpr int kBroadcast = 5;  // CollectiveCommType

// Where in its slot a task stands: what a slot receives, what it computes, what it sends.
int order_in_slot(const TaskKey& key) {
  return key.kind == TaskKind::kReceive ? 0 : key.kind == TaskKind::kSend ? 2 : 1;
}

// The rank's tasks in the program's order; tasks of no slot come last.
std::vector<uint32_t> program_order(const TaskGraph& graph, int rank) {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < graph.tasks().size(); ++i) {
    if (graph.tasks()[i].key.rank == rank) order.push_back(i);
  }
  std::ranges::sort(order, {}, [&](uint32_t task) {
    const TaskKey& key = graph.tasks()[task].key;
    return std::tuple(key.slot < 0 ? INT32_MAX : key.slot, order_in_slot(key), task);
  });
  return order;
}

std::string name_of(const TaskKey& key) {
  switch (key.kind) {
    case TaskKind::kComponent:
      return fmt::format("{} {} layer {} slot {}", component_name(key.component), slot_kind_name(key.pass), key.layer,
                         key.slot);
    case TaskKind::kSend:
      return fmt::format("send slot {}", key.slot);
    case TaskKind::kReceive:
      return fmt::format("receive slot {}", key.slot);
    case TaskKind::kGradientReduction:
      return fmt::format("gradient reduction stage {}", key.layer);
    case TaskKind::kOptimizer:
      return "optimizer";
    case TaskKind::kNorm:
      return "gradient norm";
    case TaskKind::kEma:
      return "moving average";
  }
  return "";
}

class ChakraWriter {
 public:
  ChakraWriter(const TaskGraph& graph, int rank) : graph_(graph), rank_(rank), id_of_(graph.tasks().size()) {}

  std::string write() {
    messages::GlobalMetadata metadata;
    metadata.set_version("0.0.4");
    append(metadata);
    const std::vector<uint32_t> order = program_order(graph_, rank_);
    for (uint64_t id = 0; id < order.size(); ++id) id_of_[order[id]] = id;
    before_on_queue_.assign(graph_.queues(), kNone);
    for (const uint32_t task : order) write_task(task);
    return std::move(text_);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  void append(const google::protobuf::MessageLite& message) {
    const std::string bytes = message.SerializeAsString();
    size_t size = bytes.size();
    for (; size > 127; size >>= 7) text_ += static_cast<char>((size & 127) | 128);
    text_ += static_cast<char>(size);
    text_ += bytes;
  }

  messages::AttributeProto* attribute(const char* name) {
    messages::AttributeProto* attribute = node_.add_attr();
    attribute->set_name(name);
    return attribute;
  }

  void write_task(uint32_t number) {
    const Task& task = graph_.tasks()[number];
    node_.Clear();
    node_.set_id(id_of_[number]);
    node_.set_name(name_of(task.key));
    node_.set_duration_micros(static_cast<uint64_t>((task.duration_ns + 500) / 1000));
    attribute("is_cpu_op")->set_bool_val(false);
    write_dependencies(number);
    if (task.key.kind == TaskKind::kSend || task.key.kind == TaskKind::kReceive) {
      write_transfer(number);
    } else if (task.lane == Lane::kCompute || task.lane == Lane::kHost) {
      node_.set_type(messages::COMP_NODE);
      attribute("num_ops")->set_int64_val(0);
      attribute("tensor_size")->set_uint64_val(0);
    } else {
      node_.set_type(messages::COMM_COLL_NODE);
      attribute("comm_type")->set_int64_val(kBroadcast);
      attribute("comm_size")->set_int64_val(0);
      attribute("pg_name")->set_string_val(std::to_string(rank_ + 1));
    }
    append(node_);
  }

  // What it waits for on its rank: the task before it on its queue, and its own dependencies.
  void write_dependencies(uint32_t number) {
    std::vector<uint64_t> ids;
    uint32_t& before = before_on_queue_[graph_.tasks()[number].queue];
    if (before != kNone) ids.push_back(id_of_[before]);
    before = number;
    for (const TaskDependency& dependency : graph_.dependencies(number)) {
      if (graph_.tasks()[dependency.from].key.rank == rank_) ids.push_back(id_of_[dependency.from]);
    }
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const uint64_t id : ids) node_.add_data_deps(id);
  }

  void write_transfer(uint32_t number) {
    const Task& task = graph_.tasks()[number];
    const bool sends = task.key.kind == TaskKind::kSend;
    node_.set_type(sends ? messages::COMM_SEND_NODE : messages::COMM_RECV_NODE);
    node_.set_duration_micros(0);
    attribute("comm_size")->set_int64_val(task.bytes);
    attribute("comm_src")->set_int32_val(sends ? rank_ : task.peer);
    attribute("comm_dst")->set_int32_val(sends ? task.peer : rank_);
    attribute("comm_tag")->set_int32_val(tag_of(number));
  }

  // Both ends count the messages of a queue in its order, which is the same at both; forward ones are even.
  int32_t tag_of(uint32_t number) {
    const Task& task = graph_.tasks()[number];
    const auto queue = graph_.queue(task.queue);
    const auto place = std::ranges::find(queue, number) - queue.begin();
    return static_cast<int32_t>(2 * place + (task.direction == Direction::kForward ? 0 : 1));
  }

  const TaskGraph& graph_;
  const int rank_;
  std::vector<uint64_t> id_of_;            // [task]; of the rank's
  std::vector<uint32_t> before_on_queue_;  // [queue]
  messages::Node node_;
  std::string text_;
};

}  // namespace

std::string chakra_trace(const TaskGraph& graph, int rank) {
  return ChakraWriter(graph, rank).write();
}

std::string chakra_groups(int ranks) {
  std::string json = "{";
  for (int rank = 0; rank < ranks; ++rank) {
    json += fmt::format("{}\"{}\": [{}]", rank == 0 ? "" : ", ", rank + 1, rank);
  }
  return json + "}\n";
}

}  // namespace pipeloom::proto
