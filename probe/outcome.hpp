#pragma once

#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "actors/base/prober.hpp"

/// What came of one probe, in the words and degrees of spec/semantics.md §3.2. Pure, any thread.
namespace nacre {

struct outcome {
  probe_answer::kind what = probe_answer::kind::ok;
  probe_answer::pace next = probe_answer::pace::measured;
  /// At most 64 bytes of printable ASCII.
  std::string why;
};

outcome well(std::string_view why);

/// Counts; the next probe waits twice as long, or longest.
outcome failed_slower(std::string_view why);
outcome failed_slowest(std::string_view why);

outcome failed_for_sure(std::string_view why);

/// Nothing came within `span`.
outcome timed_out(milliseconds span);

/// Of an operation on a socket that failed.
outcome failure_of(const boost::system::error_code& ec);

} // namespace nacre
