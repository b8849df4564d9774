#include "grpc/http2/refusal_log.hpp"

namespace nacre {

bool refusal_log::admit(std::string_view ip, std::string_view reason, steady_time now) {
  std::lock_guard guard(lock_);
  std::pair<std::string, std::string> key(ip, reason);
  if (auto i = logged_.find(key); i != logged_.end()) {
    if (now - i->second < interval)
      return false;
    i->second = now;
    return true;
  }
  if (logged_.size() >= entries_max)
    std::erase_if(logged_, [&](auto& x) { return now - x.second >= interval; });
  return logged_.size() < entries_max && logged_.emplace(std::move(key), now).second;
}

} // namespace nacre
