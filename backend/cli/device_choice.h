#pragma once

#include "backend/cli/run_options.h"
#include "backend/device/table/device_table.h"

namespace pipeloom::backend {

// Refuses options of the command line that ask for what the device can't do; the error says which devices
// can, and which option helps on this one. `one_process`: all ranks run in this one.
Status check_abilities(const CommandOptions& options, bool one_process, const DeviceKind& device,
                       const DeviceTable& devices);

// Helps with --device: every row by its name, what it is, and why it is not here.
std::string device_help(const DeviceTable& devices);
// Begins the help of an option that only some devices have: "with --device cuda".
std::string with_device(const DeviceTable& devices, Ability ability);

}  // namespace pipeloom::backend
