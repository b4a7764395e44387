#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::proto {

// Reads a job written as protobuf text (.txtpb) or JSON (.json). Files that it names (a HuggingFace config.json,
// measured layers) are read too, relative to the job's folder. Mistakes in the text are reported as
// "job.txtpb:3:5: ...", values that are not allowed as "job.txtpb: field is ...; allowed are ...".
Result<Job> read_job(const std::string& path);

// A job among the files that the program carries inside (proto/base/embedded.h): "samples/deepseek-v3.txtpb".
Result<Job> read_embedded_job(const std::string& path);

// The complete job as protobuf text; read_job gives the same job back.
std::string job_to_text(const Job& job);

}  // namespace pipeloom::proto
