#include "grpc/refusal_log.hpp"

namespace nacre {

bool refusal_log::admit(std::string_view ip, std::string_view reason, std::int64_t now_ms) {
  std::lock_guard guard(lock_);
  std::pair<std::string, std::string> key(ip, reason);
  if (auto i = logged_.find(key); i != logged_.end()) {
    if (now_ms - i->second < interval_ms)
      return false;
    i->second = now_ms;
    return true;
  }
  if (logged_.size() >= entries_max)
    std::erase_if(logged_, [&](auto& x) { return now_ms - x.second >= interval_ms; });
  return logged_.size() < entries_max && logged_.emplace(std::move(key), now_ms).second;
}

} // namespace nacre
