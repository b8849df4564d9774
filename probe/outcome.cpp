#include "probe/outcome.hpp"

#include <boost/asio/error.hpp>

namespace nacre {

namespace {

constexpr std::size_t why_bytes_max = 64;

/// Texts may come from targets and from the system's language.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, why_bytes_max));
  for (auto& c : result)
    if (c < 0x20 || c > 0x7E)
      c = '?';
  return result;
}

} // namespace

probe_answer well(std::string_view why) {
  return {0, probe_answer::kind::ok, probe_answer::pace::measured, milliseconds(0), printable(why)};
}

probe_answer failed_slower(std::string_view why) {
  return {0, probe_answer::kind::failed, probe_answer::pace::slower, milliseconds(0),
          printable(why)};
}

probe_answer failed_slowest(std::string_view why) {
  return {0, probe_answer::kind::failed, probe_answer::pace::slowest, milliseconds(0),
          printable(why)};
}

probe_answer failed_for_sure(std::string_view why) {
  return {0, probe_answer::kind::failed_for_sure, probe_answer::pace::slowest, milliseconds(0),
          printable(why)};
}

probe_answer timed_out(milliseconds span) {
  return failed_slower("no answer within " + std::to_string(span.count()) + " ms");
}

probe_answer failure_of(const boost::system::error_code& ec) {
  if (ec == boost::asio::error::connection_refused)
    return failed_for_sure("refused");
  if (ec == boost::asio::error::timed_out)
    return failed_slower("no answer");
  if (ec == boost::asio::error::eof)
    return failed_slowest("closed without an answer");
  return failed_slowest(ec.message());
}

} // namespace nacre
