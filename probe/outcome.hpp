#pragma once

#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "actors/base/prober.hpp"

/// What came of one probe, in the words and degrees of spec/semantics.md §3.2: answers that lack
/// their number and time. `why` has at most 64 bytes of printable ASCII. Pure, any thread.
namespace nacre {

probe_answer well(std::string_view why);

/// Counts; the next probe waits twice as long, or longest.
probe_answer failed_slower(std::string_view why);
probe_answer failed_slowest(std::string_view why);

probe_answer failed_for_sure(std::string_view why);

/// Nothing came within `span`.
probe_answer timed_out(milliseconds span);

/// Of an operation on a socket that failed.
probe_answer failure_of(const boost::system::error_code& ec);

} // namespace nacre
