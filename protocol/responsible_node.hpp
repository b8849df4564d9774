#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nacre {

/// Which node of a cluster looks after an ip:port client (Nacos `DistroMapper`): all nodes that
/// know the same members agree, Java nodes included. Pure, any thread.
class responsible_nodes {
public:
  /// @param addresses `host:port` of the members that count, this node included, in any order
  explicit responsible_nodes(std::vector<std::string> addresses);

  /// The address responsible for `tag`, the `ip:port` of a client; empty if there are no members.
  std::string_view of(std::string_view tag) const;

  /// In the order that decides: as texts, so that `10.0.0.10:8848` comes before `10.0.0.9:8848`.
  const std::vector<std::string>& ring() const { return ring_; }

private:
  std::vector<std::string> ring_;
};

/// The number of `tag` that its place in the ring is reckoned from: Java's `String.hashCode`
/// modulo 2³¹−1, without its sign.
std::size_t distro_hash(std::string_view tag);

} // namespace nacre
