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

outcome well(std::string_view why) {
  return {probe_answer::kind::ok, probe_answer::pace::measured, printable(why)};
}

outcome failed_slower(std::string_view why) {
  return {probe_answer::kind::failed, probe_answer::pace::slower, printable(why)};
}

outcome failed_slowest(std::string_view why) {
  return {probe_answer::kind::failed, probe_answer::pace::slowest, printable(why)};
}

outcome failed_for_sure(std::string_view why) {
  return {probe_answer::kind::failed_for_sure, probe_answer::pace::slowest, printable(why)};
}

outcome timed_out(milliseconds span) {
  return failed_slower("no answer within " + std::to_string(span.count()) + " ms");
}

outcome failure_of(const boost::system::error_code& ec) {
  if (ec == boost::asio::error::connection_refused)
    return failed_for_sure("refused");
  if (ec == boost::asio::error::timed_out)
    return failed_slower("no answer");
  if (ec == boost::asio::error::eof)
    return failed_slowest("closed without an answer");
  return failed_slowest(ec.message());
}

} // namespace nacre
