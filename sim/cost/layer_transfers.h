#pragma once

#include "core/job/job.h"

namespace pipeloom::sim {

// How long what moves beside a layer's kernels takes, pass by pass: with ZeRO-3 the weights are gathered before F and
// before I, and W's gradients scattered (Rajbhandari et al., SC20, section 7.2.2); offloaded activations leave after F
// and come back before I. They overlap with compute, and with each other: the longest counts.
struct LayerTransfers {
  double forward_seconds = 0;
  double input_seconds = 0;
  double weight_seconds = 0;

  bool empty() const { return forward_seconds + input_seconds + weight_seconds == 0; }
};

// Of a layer like the model's layer `kind`. REQUIRES: the job has a model.
LayerTransfers layer_transfers(const Job& job, int kind);

}  // namespace pipeloom::sim
