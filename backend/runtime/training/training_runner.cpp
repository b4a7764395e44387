#include "backend/runtime/training/training_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/model/recomputed_layer.h"
#include "backend/runtime/messages/collect.h"
#include "backend/runtime/messages/message_bytes.h"
#include "backend/runtime/messages/waits.h"

namespace pipeloom::backend {

namespace {

Channel channel_of(Direction direction) {
  return direction == Direction::kForward ? Channel::kForward : Channel::kBackward;
}

ExchangeRun<float>& exchange_run(InFlight& flight, int part) {
  auto* run = dynamic_cast<ExchangeRun<float>*>(flight.runs[part].get());
  PIPELOOM_THROW_UNLESS(run != nullptr);
  return *run;
}

}  // namespace

TrainingRunner::TrainingRunner(const Plan& plan, const RankProgram& program, const TextTokens& text,
                               const TrainingOptions& options, Endpoint& endpoint)
    : plan_(plan),
      text_(text),
      options_(options),
      endpoint_(endpoint),
      rank_(RunRank::of(endpoint.rank(), plan.job.layout.pipeline)),
      ep_group_(ep_group(plan.job.layout, rank_)),
      formats_(formats_of(plan.job)),
      credits_(program, plan.job.p2p, endpoint, rank_.replica * plan.job.layout.pipeline) {
  const PartShape shape = part_shape(plan.job, ep_group_.place);
  const Sums sums = options.check ? Sums::kFixedPoint : Sums::kFloat;
  for (const Chunk& chunk : plan.schedule.placement().chunks_of(rank_.pipeline_rank)) {
    const bool borrows = borrows_token_table(plan, chunk.stage);
    auto maths = std::make_unique<Stage<float>>(*plan.job.model, plan.costs.programs[chunk.stage], shape,
                                                arithmetic_for(formats_, options.check),
                                                borrows ? Stage<float>::Tokens::kBorrowed : Stage<float>::Tokens::kOwn);
    chunks_.push_back(std::make_unique<ChunkRun>(chunk.pipe, chunk.stage, std::move(maths), sums,
                                                 contributions_per_step(plan.job), options.seed));
  }
  // Ranks that share several stages exchange them in one order, whatever pipes they hold them for.
  std::ranges::sort(chunks_, {}, [](const auto& chunk) { return chunk->stage(); });
  for (const auto& chunk : chunks_) {
    exchanges_.emplace_back(*chunk, plan.job.layout, plan.schedule.placement(), rank_, endpoint, formats_.moments,
                            copies_token_table(plan));
  }
  average_ = std::make_unique<MovingAverage>(chunks_, plan.job.ema_decay);
  // The first stage comes first.
  for (const auto& chunk : chunks_) {
    if (borrows_token_table(plan, chunk->stage())) chunk->state().borrow_tokens(chunks_.front()->state());
  }
}

void TrainingRunner::begin_step(int64_t step) {
  PIPELOOM_THROW_UNLESS(hand_overs_.empty() && waiting_.empty());
  for (const auto& chunk : chunks_) {
    PIPELOOM_THROW_UNLESS(chunk->idle());
    chunk->state().clear_sums();
  }
  step_ = step;
  credits_.begin_step(step);
  losses_.clear();
  mtp_losses_.clear();
}

size_t TrainingRunner::number_of_chunk(const RankTask& task) const {
  const auto found = std::ranges::find_if(
      chunks_, [&](const auto& chunk) { return chunk->pipe() == task.pipe && chunk->stage() == task.stage; });
  PIPELOOM_THROW_UNLESS(found != chunks_.end());
  return static_cast<size_t>(found - chunks_.begin());
}

Status TrainingRunner::start(const RankTask& task) {
  const TaskKey& key = task.task.key;
  if (key.kind == TaskKind::kComponent && task.task.lane == Lane::kCompute) return compute(task);
  Waiting& waiting = waiting_[task.number];
  switch (key.kind) {
    case TaskKind::kComponent:
      begin_exchange(task, waiting);
      break;
    case TaskKind::kSend:
      credits_.await(task, waiting.gather);
      break;
    case TaskKind::kReceive:
      waiting.gather.expect(number_of(task), channel_of(task.task.direction), hand_over_tag(task, step_));
      credits_.receive_begins(task);
      break;
    case TaskKind::kGradientReduction:
      waiting.bytes = exchanges_[number_of_chunk(task)].send_gradients(step_, waiting.gather);
      break;
    case TaskKind::kOptimizer:
      if (plan_.job.clipping == Clipping::kValidated) remember();
      waiting.bytes = optimize(clip_scale_, waiting.gather);
      break;
    case TaskKind::kNorm:
      return begin_norm(task, waiting);
    case TaskKind::kEma:
      if (step_ > 0) average_->begin();  // before the first step there is nothing new
      break;
  }
  return {};
}

Result<Progress> TrainingRunner::poll(const RankTask& task) {
  const auto place = waiting_.find(task.number);
  if (place == waiting_.end()) return Progress::done();
  Waiting& waiting = place->second;
  constexpr int64_t kAverageAskedAgainNs = 200'000;  // far below any step
  if (task.task.key.kind == TaskKind::kEma && !average_->done()) {
    return Progress::until(steady_now_ns() + kAverageAskedAgainNs);
  }
  PIPELOOM_TRY(const bool all, waiting.gather.poll(endpoint_));
  if (!all) return Progress::until_message(wait_of(task, waiting.gather));
  PIPELOOM_RETURN_IF_ERROR(complete(task, waiting));
  if (waiting.again) {
    waiting.again = false;
    return Progress::until(steady_now_ns());
  }
  const int64_t bytes = waiting.bytes;
  waiting_.erase(place);
  return Progress::done(bytes);
}

// Everything that the task waited for is there.
Status TrainingRunner::complete(const RankTask& task, Waiting& waiting) {
  size_t first_message = 0;
  switch (task.task.key.kind) {
    case TaskKind::kComponent:
      return complete_exchange(task, waiting);
    case TaskKind::kSend:
      complete_send(task, waiting);
      return {};
    case TaskKind::kReceive:
      return complete_receive(task, waiting);
    case TaskKind::kGradientReduction:
      return exchanges_[number_of_chunk(task)].add_gradients(waiting.gather, first_message);
    case TaskKind::kOptimizer:
      return take_weights(waiting.gather);
    case TaskKind::kNorm:
      return complete_norm(waiting);
    case TaskKind::kEma:
      break;
  }
  return {};
}

std::string TrainingRunner::waits_for(const RankTask& task) const {
  const auto place = waiting_.find(task.number);
  return place == waiting_.end() ? "nothing" : wait_text(task, place->second.gather);
}

// --- computation ---

Status TrainingRunner::compute(const RankTask& task) {
  ChunkRun& chunk = chunk_of(task);
  const int part = chunk.part_of(task);
  InFlight& flight = enter(chunk, part, task);
  if (task.task.key.pass == SlotKind::kF) {
    run_forward(chunk, part, flight);
  } else if (task.task.key.pass == SlotKind::kI) {
    PIPELOOM_RETURN_IF_ERROR(chunk.state().input_backward(part, *flight.runs[part], flight.flow));
  } else {
    PIPELOOM_RETURN_IF_ERROR(chunk.state().weight_backward(part, *flight.runs[part]));
  }
  leave(chunk, part, task);
  return {};
}

void TrainingRunner::run_forward(ChunkRun& chunk, int part, InFlight& flight) {
  const int64_t before = matrix_memory().kept_bytes;
  chunk.state().forward(part, chunk.start(flight, part), flight.flow);
  count_experts(*plan_.job.model, chunk.maths().parts()[part], flight.flow, expert_counts_);
  flight.kept += matrix_memory().kept_bytes - before;
  peak_kept_bytes_ = std::max(peak_kept_bytes_, flight.held_before + flight.kept);
}

// What a task of a stage takes from, or gives to, the stage beside it.
TrainingRunner::HandOver TrainingRunner::hand_over(const RankTask& task, bool arriving) const {
  const Direction direction = direction_of(task.task.key.pass);
  const int next = direction == Direction::kForward ? task.stage + 1 : task.stage - 1;
  return {direction, arriving ? task.stage : next, task.micro_batch};
}

InFlight& TrainingRunner::enter(ChunkRun& chunk, int part, const RankTask& task) {
  const SlotKind pass = task.task.key.pass;
  const int micro_batch = task.micro_batch;
  if (pass == SlotKind::kW || !chunk.enters_at(part, pass)) return chunk.in_flight(micro_batch);
  InFlight& flight = pass == SlotKind::kF ? chunk.enter(micro_batch) : chunk.in_flight(micro_batch);
  if (pass == SlotKind::kF) flight.held_before = matrix_memory().kept_bytes;
  const int last_stage = plan_.schedule.stages() - 1;
  if (pass == SlotKind::kF && (task.stage == 0 || task.stage == last_stage)) {
    Tokens tokens = text_.micro_batch(step_, rank_.replica, micro_batch, plan_.job.micro_batches);
    if (task.stage == 0) flight.flow.tokens = std::move(tokens.inputs);
    if (task.stage == last_stage) flight.flow.targets = std::move(tokens.targets);
  }
  const bool at_an_end = task.stage == (pass == SlotKind::kF ? 0 : last_stage);
  if (!at_an_end) {
    const auto input = hand_overs_.find(hand_over(task, true));
    PIPELOOM_THROW_UNLESS(input != hand_overs_.end());
    flight.flow.hidden = std::move(input->second);
    hand_overs_.erase(input);
  }
  return flight;
}

void TrainingRunner::leave(ChunkRun& chunk, int part, const RankTask& task) {
  const SlotKind pass = task.task.key.pass;
  if (pass != SlotKind::kW && chunk.leaves_at(part, pass)) {
    Flow<float>& flow = chunk.in_flight(task.micro_batch).flow;
    const int last_stage = plan_.schedule.stages() - 1;
    if (pass == SlotKind::kF && task.stage == last_stage) {
      losses_[task.micro_batch] = flow.loss;
      mtp_losses_[task.micro_batch] = flow.mtp_loss;
    } else if (pass == SlotKind::kF || task.stage > 0) {
      const bool is_new = hand_overs_.emplace(hand_over(task, false), std::move(flow.hidden)).second;
      PIPELOOM_THROW_UNLESS(is_new);
      flow.hidden = {};
    }
    const SlotKind slot = plan_.schedule.slots_of(task.task.key.rank)[task.task.key.slot].kind;
    if (slot == SlotKind::kI || slot == SlotKind::kFI) {
      peak_kept_bytes_ = std::max(peak_kept_bytes_, matrix_memory().kept_bytes);
    }
  }
  chunk.end_pass(task.micro_batch, part, pass);
  credits_.component_ended(task);
}

// --- hand-overs between ranks ---

// Of the other rank of a send or receive, among all ranks.
int TrainingRunner::number_of(const RankTask& task) const {
  return RunRank{rank_.replica, task.task.peer}.number(plan_.job.layout.pipeline);
}

void TrainingRunner::complete_send(const RankTask& task, Waiting& waiting) {
  const auto output = hand_overs_.find(hand_over(task, false));
  PIPELOOM_THROW_UNLESS(output != hand_overs_.end());
  std::vector<std::byte> bytes = matrix_to_bytes(output->second, formats_.rest);
  waiting.bytes = static_cast<int64_t>(bytes.size());
  endpoint_.send(number_of(task), channel_of(task.task.direction), {hand_over_tag(task, step_), 0, std::move(bytes)});
  hand_overs_.erase(output);
}

Status TrainingRunner::complete_receive(const RankTask& task, Waiting& waiting) {
  PIPELOOM_TRY(Matrix<float> hidden, matrix_from_bytes(waiting.gather.message(0).bytes, formats_.rest,
                                                       plan_.job.batch.tokens(), plan_.job.model->hidden));
  hand_overs_.emplace(hand_over(task, true), std::move(hidden));
  waiting.bytes = static_cast<int64_t>(waiting.gather.message(0).bytes.size());
  return {};
}

// --- dispatch and combine: one package to and from every member of the EP group ---

// The backward of dispatch is combine's kernel, and the other way round.
Format TrainingRunner::exchanged(const RankTask& task) const {
  const bool forward = task.task.key.pass == SlotKind::kF;
  const bool to_experts = (task.task.key.component == Component::kDispatch) == forward;
  return to_experts ? formats_.dispatch : formats_.combine;
}

void TrainingRunner::begin_exchange(const RankTask& task, Waiting& waiting) {
  ChunkRun& chunk = chunk_of(task);
  const int part = chunk.part_of(task);
  const bool forward = task.task.key.pass == SlotKind::kF;
  InFlight& flight = enter(chunk, part, task);
  if (forward) chunk.start(flight, part);
  ExchangeRun<float>& run = exchange_run(flight, part);
  // A combine's I, the first of its layer: where that runs F again, its dispatch comes first.
  waiting.recomputes = !forward && run.recomputed() != nullptr;
  if (waiting.recomputes) return send_packages(task, run.recomputed()->pack(), waiting);
  send_packages(task, forward ? run.pack_forward(flight.flow) : run.pack_backward(flight.flow), waiting);
}

void TrainingRunner::send_packages(const RankTask& task, ExchangeRun<float>::Packages packages, Waiting& waiting) {
  const MessageTag about = tag(task.stage, task.micro_batch, task.task.key.layer);
  for (size_t member = 0; member < ep_group_.members.size(); ++member) {
    if (static_cast<int>(member) == ep_group_.place) {
      waiting.own.push_back(std::move(packages[member]));
      continue;
    }
    std::vector<std::byte> bytes = rows_to_bytes(packages[member], exchanged(task));
    waiting.bytes += static_cast<int64_t>(bytes.size());
    endpoint_.send(ep_group_.members[member], Channel::kExpert, {about, 0, std::move(bytes)});
    waiting.gather.expect(ep_group_.members[member], Channel::kExpert, about);
  }
}

Result<ExchangeRun<float>::Packages> TrainingRunner::received_packages(const RankTask& task, Waiting& waiting) {
  const size_t experts = waiting.own[0].counts.size();
  ExchangeRun<float>::Packages received;
  size_t message = 0;
  for (size_t member = 0; member < ep_group_.members.size(); ++member) {
    if (static_cast<int>(member) == ep_group_.place) {
      received.push_back(std::move(waiting.own[0]));
      continue;
    }
    PIPELOOM_TRY(ExpertRows<float> rows, rows_from_bytes(waiting.gather.message(message++).bytes, exchanged(task),
                                                         experts, plan_.job.model->hidden));
    received.push_back(std::move(rows));
  }
  return received;
}

Status TrainingRunner::complete_exchange(const RankTask& task, Waiting& waiting) {
  ChunkRun& chunk = chunk_of(task);
  const int part = chunk.part_of(task);
  InFlight& flight = chunk.in_flight(task.micro_batch);
  ExchangeRun<float>& run = exchange_run(flight, part);
  PIPELOOM_TRY(auto received, received_packages(task, waiting));
  if (waiting.recomputes) {
    run.recomputed()->unpack(std::move(received));
    waiting.recomputes = false;
    waiting.again = true;
    waiting.gather = {};
    waiting.own.clear();
    send_packages(task, run.pack_backward(flight.flow), waiting);
    return {};
  }
  if (task.task.key.pass == SlotKind::kF) {
    run.unpack_forward(std::move(received), flight.flow);
  } else {
    run.unpack_backward(std::move(received), flight.flow);
  }
  leave(chunk, part, task);
  return {};
}

// --- the end of the step ---

void TrainingRunner::remember() {
  for (ReplicaExchange& exchange : exchanges_) exchange.remember();
}

// Returns the bytes that it sends.
int64_t TrainingRunner::optimize(double scale, Gather& gather) {
  int64_t bytes = 0;
  for (ReplicaExchange& exchange : exchanges_) {
    bytes += exchange.optimize_and_send(options_.adam, load_balance(plan_.job), step_, scale, gather);
  }
  return bytes;
}

Status TrainingRunner::take_weights(Gather& gather) {
  size_t next = 0;
  for (ReplicaExchange& exchange : exchanges_) PIPELOOM_RETURN_IF_ERROR(exchange.take_weights(gather, next));
  return {};
}

// Every rank tells every other its part.
Status TrainingRunner::begin_norm(const RankTask& task, Waiting& waiting) {
  squares_ = {};
  for (const ReplicaExchange& exchange : exchanges_) PIPELOOM_RETURN_IF_ERROR(exchange.add_squares(squares_));
  const MessageTag about = tag(task.stage, task.micro_batch);
  for (int rank = 0; rank < endpoint_.ranks(); ++rank) {
    if (rank == endpoint_.rank()) continue;
    endpoint_.send(rank, Channel::kReduction, {about, 0, bytes_of_value(squares_)});
    waiting.gather.expect(rank, Channel::kReduction, about);
    waiting.bytes += sizeof squares_;
  }
  return {};
}

// With all parts there, all ranks decide the same. An optimizer that went ahead with gradients that were too large is
// undone and run again, and the task then waits for the new weights.
Status TrainingRunner::complete_norm(Waiting& waiting) {
  if (waiting.undone) return take_weights(waiting.gather);
  for (size_t i = 0; i < waiting.gather.size(); ++i) {
    PIPELOOM_RETURN_IF_ERROR(squares_.add(values_of_bytes<SquareSum>(waiting.gather.message(i).bytes).at(0)));
  }
  const double scale = clip_scale(squares_.norm(), plan_.job.clip_norm);
  if (plan_.job.clipping == Clipping::kGlobal) {
    clip_scale_ = scale;
  } else if (scale < 1) {
    waiting.undone = waiting.again = true;
    waiting.gather = {};
    for (ReplicaExchange& exchange : exchanges_) exchange.undo();
    waiting.bytes += optimize(scale, waiting.gather);
  }
  return {};
}

}  // namespace pipeloom::backend
