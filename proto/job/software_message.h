#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/software.h"

namespace pipeloom::message {
class Software;
}

namespace pipeloom::proto {

void store_software(const Software& software, message::Software* message);
// Leaves out the rates that load_software would find. `gpu`: of the cluster.
void shorten_software(const Software& software, const std::string& gpu, message::Software* message);
// `gpu`: whose known rates are meant if the message has none.
Result<Software> load_software(const message::Software& message, const std::string& gpu);

}  // namespace pipeloom::proto
