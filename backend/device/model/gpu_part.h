#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "backend/device/kernels/packages_kernels.h"
#include "backend/device/model/gpu_kept.h"
#include "backend/device/model/gpu_setup.h"
#include "backend/model/part.h"

namespace pipeloom::backend {

// What passes from part to part for one micro-batch of one chunk, as Flow in backend/model/flow.h; all on the GPU.
struct GpuFlow {
  const int32_t* tokens = nullptr;    // [tokens] where the chunk has the embedding
  const int32_t* targets = nullptr;   // [depth][tokens] where it has the head; depth as Flow::targets
  double* losses = nullptr;           // [depth] sums of the tokens' losses, from the heads
  Bf16* hidden = nullptr;             // [tokens, hidden] the residual stream
  Bf16* gradient = nullptr;           // [tokens, hidden] of it, in the backward pass
  Bf16* normed = nullptr;             // [tokens, hidden] what the experts read, in F
  float* normed_gradient = nullptr;   // the same, in I
  float* expert_rows = nullptr;       // what experts get and what they make of it, or the gradients of both; padded
  float* weights_gradient = nullptr;  // [tokens * experts_per_token] of the choices' weights
};

// A component of a layer with everything that it keeps of one micro-batch, in memory of its own; used again for another
// one when the last pass of the first has ended. Calls enqueue kernels and return; they don't allocate. Kernels of one
// part don't overlap; scratch memory is shared by all parts of a compute lane.
class GpuPart {
 public:
  virtual ~GpuPart() = default;
  virtual void forward(const SmStream& stream, GpuFlow& flow) = 0;
  virtual void input_backward(const SmStream& stream, GpuFlow& flow) = 0;
  virtual void weight_backward(const SmStream& /*stream*/) {}
};

// Packages on their way to experts, and gradients of what those made on combine's way back; and the other way.
struct GpuPackages {
  PackageShape to_experts;
  PackageShape home;

  GpuPackages() = default;
  GpuPackages(const Model& model, const PartShape& shape, int64_t tokens);
  const PackageShape& of(Component exchange, bool forward) const {
    return (exchange == Component::kDispatch) == forward ? to_experts : home;
  }
  int64_t set_bytes() const { return std::max(to_experts.set_bytes(), home.set_bytes()); }
};

// Dispatch or combine: each pass in two halves, between which a set of packages travels
// (backend/device/kernels/packages_kernels.h).
class GpuExchange : public GpuPart {
 public:
  virtual void pack_forward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) = 0;
  virtual void unpack_forward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) = 0;
  virtual void pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) = 0;
  virtual void unpack_backward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) = 0;

  // A rank alone hands its packages to itself.
  void forward(const SmStream& stream, GpuFlow& flow) final {
    pack_forward(stream, flow, alone_);
    unpack_forward(stream, flow, alone_);
  }
  void input_backward(const SmStream& stream, GpuFlow& flow) final {
    pack_backward(stream, flow, alone_);
    unpack_backward(stream, flow, alone_);
  }

 protected:
  explicit GpuExchange(unsigned char* alone) : alone_(alone) {}

 private:
  unsigned char* alone_;  // a set of packages; may be null where forward and input_backward are never called
};

class GpuNorm;

// What the parts of one MoE layer share of one micro-batch.
struct GpuMoeLayer {
  GpuMoeLayer(const GpuSetup& setup, const Model& model, const PartShape& shape);

  GpuPackages packages;
  GpuKept normed;                 // [tokens, hidden] what the experts read, for W
  const GpuNorm* norm = nullptr;  // which made it, where it is computed again
  int32_t* chosen = nullptr;      // [tokens * experts_per_token]
  float* weights = nullptr;       // the same
  PackageOrder order;             // of the choices in the packages that this rank sends
  int32_t* counts = nullptr;      // [source][local expert] rows that this rank got
  float* row_weights = nullptr;   // of those, padded; in I their gradients

  // Of the shape that is common to all packages.
  const PackageShape& shape() const { return packages.to_experts; }
  // In I, where norms' outputs are computed again: makes and keeps `normed`.
  void recompute(const SmStream& stream, Bf16* scratch) const;
};

// The parameters of a part on the GPU.
struct GpuPartNumbers {
  const Part<float>& part;  // has the layout
  GpuNumbers own;
  GpuNumbers routed;
  OfTables<GpuNumbers> tables;  // of those that the part uses
  int64_t* loads = nullptr;     // of a router: tokens of each expert, in all steps so far
};

// One part of a stage. `moe`: of the layer, where it is one; made with the layer's router. The rest as of make_part.
std::unique_ptr<GpuPart> make_gpu_part(const GpuSetup& setup, Component component, int layer, const Model& model,
                                       const PartShape& shape, bool with_exchange, const GpuPartNumbers& numbers,
                                       std::shared_ptr<GpuMoeLayer>& moe);

}  // namespace pipeloom::backend
