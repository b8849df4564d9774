#pragma once

#include <compare>
#include <concepts>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <boost/smart_ptr/intrusive_ref_counter.hpp>

namespace nacre {

/// An immutable text in 16 bytes: up to 15 characters, so every IPv4 address, stand in it; copies
/// of a longer one share it. Any thread may copy it.
class short_text {
public:
  short_text() = default;
  short_text(std::string_view x) {
    if (x.size() <= inline_max)
      set_inline(x);
    else
      set_shared(x);
  }
  short_text(const std::string& x) : short_text(std::string_view(x)) {}
  short_text(const char* x) : short_text(std::string_view(x)) {}

  short_text(const short_text& x) {
    std::memcpy(bytes_, x.bytes_, sizeof bytes_);
    if (is_shared())
      intrusive_ptr_add_ref(shared());
  }
  short_text(short_text&& x) noexcept { swap(x); }
  short_text& operator=(short_text x) noexcept {
    swap(x);
    return *this;
  }
  ~short_text() {
    if (is_shared())
      intrusive_ptr_release(shared());
  }

  std::string_view view() const {
    if (is_shared())
      return shared()->text;
    return {bytes_, inline_max - static_cast<std::size_t>(bytes_[inline_max])};
  }
  operator std::string_view() const { return view(); }
  std::string str() const { return std::string(view()); }
  bool empty() const { return view().empty(); }
  std::size_t size() const { return view().size(); }

  friend bool operator==(const short_text& a, const short_text& b) {
    return std::memcmp(a.bytes_, b.bytes_, sizeof a.bytes_) == 0
           || (a.is_shared() && b.is_shared() && a.view() == b.view());
  }
  friend auto operator<=>(const short_text& a, const short_text& b) {
    return a.view() <=> b.view();
  }
  template <std::convertible_to<std::string_view> T>
  friend bool operator==(const short_text& a, const T& b) {
    return a.view() == std::string_view(b);
  }
  template <class T>
  friend std::string operator+(const short_text& a, const T& b) {
    return a.str() + b;
  }
  friend std::string operator+(std::string a, const short_text& b) {
    return std::move(a.append(b.view()));
  }

private:
  static constexpr std::size_t inline_max = 15;
  /// In the last byte, which else says how many characters are missing there.
  static constexpr char shared_mark = 16;

  struct long_text : boost::intrusive_ref_counter<long_text, boost::thread_safe_counter> {
    explicit long_text(std::string_view x) : text(x) {}
    const std::string text;
  };

  bool is_shared() const { return bytes_[inline_max] == shared_mark; }

  const long_text* shared() const {
    const long_text* x;
    std::memcpy(&x, bytes_, sizeof x);
    return x;
  }

  void set_inline(std::string_view x) {
    if (!x.empty()) // an empty one may be nowhere
      std::memcpy(bytes_, x.data(), x.size());
    bytes_[inline_max] = static_cast<char>(inline_max - x.size());
  }

  void set_shared(std::string_view x) {
    const auto* made = new long_text(x);
    intrusive_ptr_add_ref(made);
    std::memcpy(bytes_, &made, sizeof made);
    bytes_[inline_max] = shared_mark;
  }

  void swap(short_text& x) noexcept { std::swap(bytes_, x.bytes_); }

  alignas(void*) char bytes_[inline_max + 1] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15};
};

} // namespace nacre
