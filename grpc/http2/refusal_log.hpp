#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "actors/base/clocks.hpp"

namespace nacre {

/// Which refusals are worth a line: one per address and reason a minute, so that nobody fills our
/// disk by knocking. Any thread.
class refusal_log {
public:
  static constexpr milliseconds interval{60'000};
  static constexpr std::size_t entries_max = 1'024;

  /// Whether to log this one. With as many addresses as it can tell apart, none are logged that
  /// are new.
  bool admit(std::string_view ip, std::string_view reason, steady_time now);

private:
  std::mutex lock_;
  /// When each was logged last, ms of the steady clock.
  std::map<std::pair<std::string, std::string>, steady_time> logged_;
};

} // namespace nacre
