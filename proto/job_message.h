#pragma once

#include "core/job.h"

namespace pipeloom {

namespace proto {
class Job;
class MeasuredLayer;
}  // namespace proto

// Complete: the model and the measured layers are inline.
void store_job(const Job& job, proto::Job* message);
void store_measured_layer(const MeasuredLayer& layer, proto::MeasuredLayer* message);

// REQUIRES: paths that the message names (huggingface_config, measured_layers_csv) have been read into it.
Result<Job> load_job(const proto::Job& message);

}  // namespace pipeloom
