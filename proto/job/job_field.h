#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::proto {

// The job with one numeric field changed and everything that follows from it worked out again. `field` is a path of
// job.proto ("cluster.comm_sms", "layout.data", "model.layers") or its last name where only one field has it
// ("comm_sms"). Errors: no such numeric field, more than one of that name, a value that is not allowed.
Result<Job> with_job_field(const Job& job, const std::string& field, const std::string& value);

}  // namespace pipeloom::proto
