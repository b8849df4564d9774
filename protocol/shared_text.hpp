#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/keyed_hash.hpp"
#include "protocol/shared_pool.hpp"

namespace nacre {

/// An immutable text of which many are equal, such as the name of a cluster or a User-Agent:
/// equal ones are stored once in the process. Eight bytes. Any thread may copy it.
class shared_text {
public:
  shared_text() = default;
  shared_text(std::string_view x) : text_(std::string(x)) {}
  shared_text(const std::string& x) : text_(x) {}
  shared_text(const char* x) : text_(std::string(x)) {}

  const std::string& str() const { return text_.value(); }
  operator const std::string&() const { return str(); }
  operator std::string_view() const { return str(); }
  bool empty() const { return text_.empty(); }

  friend bool operator==(const shared_text&, const shared_text&) = default;
  template <std::convertible_to<std::string_view> T>
  friend bool operator==(const shared_text& a, const T& b) {
    return a.str() == std::string_view(b);
  }
  template <class T>
  friend std::string operator+(const T& a, const shared_text& b) {
    return a + b.str();
  }

  /// Number of different texts in the process.
  static std::size_t distinct() { return pooled_text::distinct(); }

private:
  struct hash {
    std::uint64_t operator()(std::string_view x) const { return keyed_hash(x); }
  };
  using pooled_text = pooled<std::string, hash>;

  pooled_text text_;
};

} // namespace nacre
