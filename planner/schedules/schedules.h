#pragma once

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// Schedules that follow from the shape alone. Errors say what a schedule needs. A schedule ignores options that it does
// not have.
Result<Schedule> gpipe(const PipelineShape& shape);
Result<Schedule> one_f_one_b(const PipelineShape& shape);
Result<Schedule> eager_one_f_one_b(const PipelineShape& shape);
Result<Schedule> one_f_one_b_overlap(const PipelineShape& shape);
Result<Schedule> interleaved_one_f_one_b(const PipelineShape& shape);
Result<Schedule> interleaved_one_f_one_b_overlap(const PipelineShape& shape);
Result<Schedule> looped_bfs(const PipelineShape& shape);
Result<Schedule> interleaved_zb(const PipelineShape& shape);
Result<Schedule> dualpipe(const PipelineShape& shape);
Result<Schedule> dualpipev(const PipelineShape& shape);
Result<Schedule> chimera(const PipelineShape& shape);
Result<Schedule> chimera_doubling(const PipelineShape& shape);
Result<Schedule> chimera_halving(const PipelineShape& shape);
Result<Schedule> hanayo(const PipelineShape& shape);

// Adapt a job with a model to forward doubling and to backward halving.
Result<Job> with_full_recompute(Job job);
Result<Job> with_half_micro_batches(Job job);

}  // namespace pipeloom::planner
