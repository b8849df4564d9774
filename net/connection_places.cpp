#include "net/connection_places.hpp"

namespace nacre {

std::optional<connection_place> connection_places::take(const std::string& address) {
  {
    std::lock_guard guard(lock_);
    auto i = by_address_.try_emplace(address, 0).first;
    if (i->second >= per_address_max_)
      return std::nullopt;
    ++i->second;
  }
  ++taken_;
  return std::make_optional<connection_place>(shared_from_this(), address);
}

void connection_places::give_back(const std::string& address) {
  --taken_;
  std::lock_guard guard(lock_);
  if (auto i = by_address_.find(address); i != by_address_.end() && --i->second == 0)
    by_address_.erase(i);
}

} // namespace nacre
