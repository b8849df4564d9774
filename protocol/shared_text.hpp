#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace nacre {

/// An immutable text of which many are equal, such as the name of a cluster or a User-Agent:
/// equal ones are stored once in the process. Eight bytes. Any thread may copy it.
class shared_text {
public:
  struct entry;

  shared_text() = default;
  shared_text(std::string_view x);
  shared_text(const std::string& x) : shared_text(std::string_view(x)) {}
  shared_text(const char* x) : shared_text(std::string_view(x)) {}
  shared_text(const shared_text& x);
  shared_text(shared_text&& x) noexcept : entry_(std::exchange(x.entry_, nullptr)) {}
  shared_text& operator=(shared_text x) noexcept {
    std::swap(entry_, x.entry_);
    return *this;
  }
  ~shared_text() {
    if (entry_)
      release();
  }

  const std::string& str() const;
  operator const std::string&() const { return str(); }
  operator std::string_view() const { return str(); }
  bool empty() const { return !entry_; }

  friend bool operator==(const shared_text& a, const shared_text& b) {
    return a.entry_ == b.entry_ || a.str() == b.str();
  }
  template <std::convertible_to<std::string_view> T>
  friend bool operator==(const shared_text& a, const T& b) {
    return a.str() == std::string_view(b);
  }
  template <class T>
  friend std::string operator+(const T& a, const shared_text& b) {
    return a + b.str();
  }

  /// Number of different texts in the process.
  static std::size_t distinct();

private:
  void release();

  /// Null for the empty text.
  entry* entry_ = nullptr;
};

} // namespace nacre
