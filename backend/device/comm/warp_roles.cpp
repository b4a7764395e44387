#include "backend/device/comm/warp_roles.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace pipeloom::backend {

// One warp at a time to whoever has most per warp: optimal, since a warp never helps anybody else.
WarpRoles divide_warps(int warps, const RoleLoads& loads) {
  PIPELOOM_THROW_UNLESS(warps >= 3);
  const std::array<double, 3> load = {loads.send, loads.forward, loads.receive};
  std::array<int, 3> of = {1, 1, 1};
  for (int given = 3; given < warps; ++given) {
    size_t busiest = 0;
    for (size_t role = 1; role < 3; ++role) {
      if (load[role] / of[role] > load[busiest] / of[busiest]) busiest = role;
    }
    ++of[busiest];
  }
  return {of[0], of[1], of[2]};
}

}  // namespace pipeloom::backend
