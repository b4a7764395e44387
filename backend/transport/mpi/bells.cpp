#include "backend/transport/mpi/bells.h"

#include <ctime>
#include <numeric>

#include "backend/transport/mpi/mpi_check.h"

namespace pipeloom::backend {

Bells::Bells(MPI_Comm world) {
  int rank = 0;
  int ranks = 0;
  MPI_Comm here = MPI_COMM_NULL;
  PIPELOOM_MPI(MPI_Comm_rank(world, &rank));
  PIPELOOM_MPI(MPI_Comm_size(world, &ranks));
  PIPELOOM_MPI(MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &here));
  PIPELOOM_MPI(MPI_Win_allocate_shared(sizeof(sem_t), 1, MPI_INFO_NULL, here, &own_, &window_));
  constexpr int kBetweenProcesses = 1;
  sem_init(own_, kBetweenProcesses, 0);

  // The numbers in `world` of the ranks here.
  MPI_Group all_group = MPI_GROUP_NULL;
  MPI_Group here_group = MPI_GROUP_NULL;
  int ranks_here = 0;
  PIPELOOM_MPI(MPI_Comm_group(world, &all_group));
  PIPELOOM_MPI(MPI_Comm_group(here, &here_group));
  PIPELOOM_MPI(MPI_Comm_size(here, &ranks_here));
  std::vector<int> local(ranks_here);
  std::vector<int> numbers(ranks_here);
  std::iota(local.begin(), local.end(), 0);
  PIPELOOM_MPI(MPI_Group_translate_ranks(here_group, ranks_here, local.data(), all_group, numbers.data()));
  bells_.resize(ranks, nullptr);
  for (int i = 0; i < ranks_here; ++i) {
    MPI_Aint size = 0;
    int unit = 0;
    PIPELOOM_MPI(MPI_Win_shared_query(window_, i, &size, &unit, &bells_[numbers[i]]));
  }
  all_ring_ = ranks_here == ranks;
  PIPELOOM_MPI(MPI_Barrier(here));  // all bells hang
  MPI_Group_free(&all_group);
  MPI_Group_free(&here_group);
  MPI_Comm_free(&here);
}

Bells::~Bells() {
  MPI_Win_free(&window_);
}

void Bells::ring(int rank) {
  if (bells_[rank] != nullptr) sem_post(bells_[rank]);
}

bool Bells::wait(int64_t at_most_ns) {
  constexpr int64_t kNsPerS = 1'000'000'000;
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const int64_t nanoseconds = until.tv_nsec + at_most_ns;
  until.tv_sec += nanoseconds / kNsPerS;
  until.tv_nsec = nanoseconds % kNsPerS;
  if (sem_clockwait(own_, CLOCK_MONOTONIC, &until) != 0) return false;
  while (sem_trywait(own_) == 0) {  // one look is enough for all rings so far
  }
  return true;
}

}  // namespace pipeloom::backend
