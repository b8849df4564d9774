#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "protocol/metadata.hpp"
#include "protocol/shared_pool.hpp"

namespace nacre {

/// The metadata of an instance: immutable, and stored once in the process for all that have the
/// same, as the instances of one release of an application do. Eight bytes; two that are equal are
/// found to be so by their address. Any thread may copy it.
class shared_metadata {
public:
  shared_metadata() = default;
  shared_metadata(metadata_map x) : map_(fitted(std::move(x))) {}
  shared_metadata(std::initializer_list<metadata_map::value_type> x)
    : shared_metadata(metadata_map(x)) {}

  const metadata_map& map() const { return map_.value(); }
  operator const metadata_map&() const { return map(); }
  bool empty() const { return map_.empty(); }
  std::size_t size() const { return map().size(); }
  auto begin() const { return map().begin(); }
  auto end() const { return map().end(); }

  friend bool operator==(const shared_metadata&, const shared_metadata&) = default;

  /// Number of different maps in the process.
  static std::size_t distinct() { return pooled_map::distinct(); }

private:
  struct hash {
    std::uint64_t operator()(const metadata_map& map) const;
  };
  using pooled_map = pooled<metadata_map, hash>;

  static metadata_map fitted(metadata_map x) {
    x.shrink_to_fit();
    return x;
  }

  pooled_map map_;
};

} // namespace nacre
