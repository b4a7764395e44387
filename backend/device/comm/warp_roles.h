#pragma once

namespace pipeloom::backend {

// The warps of a block of a forwarding kernel, by what they do.
struct WarpRoles {
  int send = 1;
  int forward = 1;
  int receive = 1;

  int all() const { return send + forward + receive; }
  bool operator==(const WarpRoles&) const = default;
};

// What each role moves, in any unit.
struct RoleLoads {
  double send = 0;
  double forward = 0;
  double receive = 0;
};

// Divides `warps` by load, as DeepSeek's dispatch and combine do (DeepSeek-V3 report, arXiv 2412.19437, section 3.2.2):
// the busiest role's load per warp is as small as can be; at least one warp each, and none beyond what makes that
// smaller goes to a role without load. REQUIRES: at least 3 warps. Pure.
WarpRoles divide_warps(int warps, const RoleLoads& loads);

}  // namespace pipeloom::backend
