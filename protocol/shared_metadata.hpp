#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "protocol/metadata.hpp"

namespace nacre {

/// The metadata of an instance: immutable, and stored once in the process for all that have the
/// same, as the instances of one release of an application do. Eight bytes; two that are equal are
/// found to be so by their address. Any thread may copy it.
class shared_metadata {
public:
  struct entry;

  shared_metadata() = default;
  shared_metadata(metadata_map x);
  shared_metadata(std::initializer_list<metadata_map::value_type> x)
    : shared_metadata(metadata_map(x)) {}
  shared_metadata(const shared_metadata& x);
  shared_metadata(shared_metadata&& x) noexcept : entry_(std::exchange(x.entry_, nullptr)) {}
  shared_metadata& operator=(shared_metadata x) noexcept {
    std::swap(entry_, x.entry_);
    return *this;
  }
  ~shared_metadata() {
    if (entry_)
      release();
  }

  const metadata_map& map() const;
  operator const metadata_map&() const { return map(); }
  bool empty() const { return !entry_; }
  std::size_t size() const { return map().size(); }
  auto begin() const { return map().begin(); }
  auto end() const { return map().end(); }

  friend bool operator==(const shared_metadata& a, const shared_metadata& b) {
    return a.entry_ == b.entry_ || a.map() == b.map();
  }

  /// Number of different maps in the process.
  static std::size_t distinct();

private:
  void release();

  /// Null for no metadata.
  entry* entry_ = nullptr;
};

} // namespace nacre
