#pragma once

#include "core/job/job.h"

namespace pipeloom::message {

class Job;
class MeasuredLayer;

}  // namespace pipeloom::message

namespace pipeloom::proto {

// Complete: the model and the measured layers are inline.
void store_job(const Job& job, message::Job* message);
void store_measured_layer(const MeasuredLayer& layer, message::MeasuredLayer* message);

// REQUIRES: paths that the message names (huggingface_config, measured_layers_csv) have been read into it.
Result<Job> load_job(const message::Job& message);

}  // namespace pipeloom::proto
