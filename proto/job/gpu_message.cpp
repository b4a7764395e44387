#include "proto/job/gpu_message.h"

#include "proto/base/decimal.h"
#include "proto/job/hand_over_message.h"
#include "proto/job/job.pb.h"

namespace pipeloom::proto {

namespace {

constexpr double kGbytes = 1e9;

using Points = google::protobuf::RepeatedPtrField<message::CurvePoint>;

void store_curve(const Curve& curve, Points* points) {
  for (const Curve::Point& point : curve.points()) {
    message::CurvePoint* added = points->Add();
    added->set_x(point.x);
    added->set_y(point.y);
  }
}

Result<Curve> load_curve(const char* path, const Points& points) {
  std::vector<Curve::Point> loaded;
  for (const message::CurvePoint& point : points) loaded.push_back({point.x(), point.y()});
  return Curve::create(path, std::move(loaded));
}

void store_waves(const ProductWaves& waves, message::ProductWaves* message) {
  message->set_tile_columns(waves.tile_columns);
  message->set_start_us(waves.start_us);
  message->set_step_us(waves.step_us);
  message->set_slowdown(waves.slowdown);
}

ProductWaves load_waves(const message::ProductWaves& message) {
  return {message.tile_columns(), message.start_us(), message.step_us(), message.slowdown()};
}

void store_rates(const KernelRates& rates, message::KernelRates* message) {
  message->set_product_efficiency(rates.product_efficiency);
  message->set_product_short_side(rates.product_short_side);
  store_curve(rates.product_curve, message->mutable_product_curve());
  store_waves(rates.fp8_products, message->mutable_fp8_products());
  store_waves(rates.fp8_weight_gradients, message->mutable_fp8_weight_gradients());
  message->set_core_forward_efficiency(rates.core_forward_efficiency);
  message->set_core_backward_efficiency(rates.core_backward_efficiency);
  message->set_memory_efficiency(rates.memory_efficiency);
  message->set_kernel_gap_us(rates.kernel_gap_us);
  message->set_host_us_per_kernel(rates.host_us_per_kernel);
  message->set_nic_efficiency(rates.nic_efficiency);
  message->set_gradient_ring_efficiency(rates.gradient_ring_efficiency);
  message->set_all_reduce_hop_us(rates.all_reduce_hop_us);
  for (const AllReduceCurve& curve : rates.all_reduce) {
    message::AllReduceCurve* added = message->add_all_reduce();
    added->set_members(curve.members);
    store_curve(curve.seconds, added->mutable_seconds_of_bytes());
  }
  message->set_all_to_all_nic_efficiency(rates.all_to_all_nic_efficiency);
  message->set_all_to_all_notify_us(rates.all_to_all_notify_us);
  message->set_all_to_all_sm_bytes_per_s(rates.all_to_all_sm_bytes_per_s);
  message->set_all_to_all_piece_tokens(rates.all_to_all_piece_tokens);
  for (const AllToAllCurve& curve : rates.all_to_all) {
    message::AllToAllCurve* added = message->add_all_to_all();
    added->set_sms(curve.sms);
    store_curve(curve.bytes_per_s, added->mutable_bytes_per_s_of_piece());
  }
  for (const HandOverCurve& curve : rates.hand_over) store_hand_over_curve(curve, message->add_hand_over());
  message::Contention* contention = message->mutable_contention();
  contention->set_products_beside_dispatch(rates.contention.products_beside_dispatch);
  contention->set_products_beside_combine(rates.contention.products_beside_combine);
  contention->set_memory_beside_dispatch(rates.contention.memory_beside_dispatch);
  contention->set_memory_beside_combine(rates.contention.memory_beside_combine);
}

Result<KernelRates> load_rates(const message::KernelRates& message) {
  KernelRates rates;
  const auto load = [](bool given, double value, double& rate) {
    if (given) rate = value;
  };
  load(message.has_product_efficiency(), message.product_efficiency(), rates.product_efficiency);
  load(message.has_product_short_side(), message.product_short_side(), rates.product_short_side);
  PIPELOOM_TRY(rates.product_curve, load_curve("cluster.gpu.rates.product_curve", message.product_curve()));
  if (message.has_fp8_products()) rates.fp8_products = load_waves(message.fp8_products());
  if (message.has_fp8_weight_gradients()) rates.fp8_weight_gradients = load_waves(message.fp8_weight_gradients());
  load(message.has_core_forward_efficiency(), message.core_forward_efficiency(), rates.core_forward_efficiency);
  load(message.has_core_backward_efficiency(), message.core_backward_efficiency(), rates.core_backward_efficiency);
  load(message.has_memory_efficiency(), message.memory_efficiency(), rates.memory_efficiency);
  load(message.has_kernel_gap_us(), message.kernel_gap_us(), rates.kernel_gap_us);
  load(message.has_host_us_per_kernel(), message.host_us_per_kernel(), rates.host_us_per_kernel);
  load(message.has_nic_efficiency(), message.nic_efficiency(), rates.nic_efficiency);
  load(message.has_gradient_ring_efficiency(), message.gradient_ring_efficiency(), rates.gradient_ring_efficiency);
  load(message.has_all_reduce_hop_us(), message.all_reduce_hop_us(), rates.all_reduce_hop_us);
  for (const message::AllReduceCurve& curve : message.all_reduce()) {
    PIPELOOM_TRY(Curve seconds, load_curve("cluster.gpu.rates.all_reduce.seconds_of_bytes", curve.seconds_of_bytes()));
    rates.all_reduce.push_back({curve.members(), std::move(seconds)});
  }
  load(message.has_all_to_all_nic_efficiency(), message.all_to_all_nic_efficiency(), rates.all_to_all_nic_efficiency);
  load(message.has_all_to_all_notify_us(), message.all_to_all_notify_us(), rates.all_to_all_notify_us);
  load(message.has_all_to_all_sm_bytes_per_s(), message.all_to_all_sm_bytes_per_s(), rates.all_to_all_sm_bytes_per_s);
  load(message.has_all_to_all_piece_tokens(), message.all_to_all_piece_tokens(), rates.all_to_all_piece_tokens);
  for (const message::AllToAllCurve& curve : message.all_to_all()) {
    PIPELOOM_TRY(Curve rate,
                 load_curve("cluster.gpu.rates.all_to_all.bytes_per_s_of_piece", curve.bytes_per_s_of_piece()));
    rates.all_to_all.push_back({curve.sms(), std::move(rate)});
  }
  for (const message::HandOverCurve& message_curve : message.hand_over()) {
    PIPELOOM_TRY(HandOverCurve curve, load_hand_over_curve(message_curve));
    rates.hand_over.push_back(std::move(curve));
  }
  if (message.has_contention()) {
    const message::Contention& contention = message.contention();
    rates.contention = {contention.products_beside_dispatch(), contention.products_beside_combine(),
                        contention.memory_beside_dispatch(), contention.memory_beside_combine()};
  }
  return rates;
}

}  // namespace

void store_gpu(const Gpu& gpu, message::Gpu* message) {
  message->set_name(gpu.name);
  message->set_sms(gpu.sms);
  message->set_memory_gbytes(decimal(gpu.memory_bytes, kGbytes));
  message->set_bf16_flops(gpu.bf16_flops);
  message->set_fp8_flops(gpu.fp8_flops);
  message->set_memory_bytes_per_s(gpu.memory_bytes_per_s);
  message->set_nvlink_bytes_per_s(gpu.nvlink_bytes_per_s);
  message->set_host_bytes_per_s(gpu.host_bytes_per_s);
  store_rates(gpu.rates, message->mutable_rates());
}

Result<Gpu> load_gpu(const message::Gpu& message) {
  Gpu gpu;
  gpu.name = message.name();
  gpu.sms = message.sms();
  PIPELOOM_TRY(gpu.memory_bytes, whole_units("cluster.gpu.memory_gbytes", message.memory_gbytes(), kGbytes));
  gpu.bf16_flops = message.bf16_flops();
  gpu.fp8_flops = message.fp8_flops();
  gpu.memory_bytes_per_s = message.memory_bytes_per_s();
  gpu.nvlink_bytes_per_s = message.nvlink_bytes_per_s();
  gpu.host_bytes_per_s = message.host_bytes_per_s();
  PIPELOOM_TRY(gpu.rates, load_rates(message.rates()));
  PIPELOOM_RETURN_IF_ERROR(check_gpu(gpu, false));
  return gpu;
}

}  // namespace pipeloom::proto
