#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nacre {

/// The group that agrees, as a node knows it at one time. Immutable, made by the STORE, read by any
/// thread.
struct store_view {
  std::uint64_t term = 0;
  /// `host:port`; empty if there is none, or it was not heard of.
  std::string leader;
  bool leads_here = false;
  /// Voters whose address is known.
  std::vector<std::string> voters;
};

using store_view_ptr = std::shared_ptr<const store_view>;

} // namespace nacre
