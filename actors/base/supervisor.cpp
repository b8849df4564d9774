#include "actors/base/supervisor.hpp"

#include <spdlog/spdlog.h>

namespace nacre {

void log_failure(const std::string& kind, const std::string& key, const std::string& reason,
                 std::chrono::milliseconds delay) {
  spdlog::warn("actor-failed {}{}{}: {}; starts again in {} ms", kind, key.empty() ? "" : " ", key,
               reason, delay.count());
}

} // namespace nacre
