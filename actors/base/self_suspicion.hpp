#pragma once

#include <cstddef>

#include "actors/base/clocks.hpp"

namespace nacre {

/// Of all that one watches and that was well, most fail at once: then the reason is likely to be
/// with the watcher, say its network. It keeps them for a while before it believes what it sees.
/// Pure.
class self_suspicion {
public:
  /// What fails for this long is believed.
  static constexpr milliseconds patience{30'000};

  /// @param least fewer than that are never suspicious
  /// @param percent more than this share of them is
  self_suspicion(std::size_t least, unsigned percent) : least_(least), percent_(percent) {}

  /// @param failing so many of the `watched` that count as well fail now
  /// @returns whether they are to be kept
  bool holds(std::size_t failing, std::size_t watched, steady_time now) {
    if (watched < least_ || failing * 100 <= watched * percent_) {
      since_ = never;
      confirmed_ = is_new_ = false;
      return false;
    }
    is_new_ = since_ == never;
    if (is_new_)
      since_ = now;
    return !confirmed_ && now - since_ < patience;
  }

  /// Someone else sees the same: what fails is believed, until it is few again.
  void confirm() { confirmed_ = since_ != never; }

  /// Someone else finds them well: they are kept from here on for as long again.
  void refute(steady_time now) {
    if (since_ != never)
      since_ = now;
  }

  bool is_suspicious() const { return since_ != never && !confirmed_; }

  /// Whether it began with the last `holds`.
  bool is_new() const { return is_new_; }

private:
  const std::size_t least_;
  const unsigned percent_;
  steady_time since_ = never;
  bool confirmed_ = false;
  bool is_new_ = false;
};

} // namespace nacre
