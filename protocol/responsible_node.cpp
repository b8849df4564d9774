#include "protocol/responsible_node.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "protocol/text.hpp"

namespace nacre {

std::size_t distro_hash(std::string_view tag) {
  return static_cast<std::size_t>(std::abs(std::int64_t{java_hash(tag)} % 2'147'483'647));
}

responsible_nodes::responsible_nodes(std::vector<std::string> addresses)
  : ring_(std::move(addresses)) {
  std::sort(ring_.begin(), ring_.end());
  ring_.erase(std::unique(ring_.begin(), ring_.end()), ring_.end());
}

std::string_view responsible_nodes::of(std::string_view tag) const {
  return ring_.empty() ? std::string_view() : ring_[distro_hash(tag) % ring_.size()];
}

} // namespace nacre
