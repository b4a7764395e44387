#pragma once

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <semaphore.h>

#include <cstdint>
#include <vector>

namespace pipeloom::backend {

// MPI can only be polled. Ranks of one machine ring for each other when they have sent something, through semaphores in
// memory that they share, and sleep in between: eight ranks on two cores that poll leave no time for anything else.
class Bells {
 public:
  // Every rank of `world` makes one.
  explicit Bells(MPI_Comm world);
  ~Bells();
  Bells(const Bells&) = delete;
  Bells& operator=(const Bells&) = delete;

  // Whether all ranks are on this machine: nothing arrives that nobody rings for.
  bool all_ring() const { return all_ring_; }
  // Any thread. Does nothing for a rank of another machine.
  void ring(int rank);
  // Until somebody rings for this rank, or so long; whether somebody did. Rings that came before it count.
  bool wait(int64_t at_most_ns);

 private:
  MPI_Win window_ = MPI_WIN_NULL;
  std::vector<sem_t*> bells_;  // [rank]; null: on another machine
  sem_t* own_ = nullptr;
  bool all_ring_ = false;
};

}  // namespace pipeloom::backend
