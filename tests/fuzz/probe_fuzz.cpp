// What the targets of health checks answer, and what checks are configured to send: answers are
// judged the same however they are cut, and no configuration smuggles a second request.
#include "fuzz.hpp"
#include "probe/mysql_filter.hpp"
#include "protocol/http_check.hpp"

using namespace nacre;

namespace {

/// The bytes that the library would see; empty and false once one is refused.
struct filtered {
  bool passes = true;
  std::string bytes;

  void take(mysql_filter& filter, std::string_view part) {
    if (!passes)
      return;
    auto copy = std::string(part);
    passes = filter.take(reinterpret_cast<unsigned char*>(copy.data()), copy.size());
    bytes += passes ? copy : "";
  }
};

void filter_mysql(std::string_view text, std::size_t cut) {
  mysql_filter at_once;
  mysql_filter in_two;
  filtered a;
  filtered b;
  a.take(at_once, text);
  b.take(in_two, text.substr(0, cut));
  b.take(in_two, text.substr(cut));
  fuzz::require(a.passes == b.passes, "it depends on how the stream is cut");
  fuzz::require(!a.passes || a.bytes == b.bytes, "other bytes by another cut");
}

void read_head(std::string_view text, std::size_t cut) {
  using state = http_answer_head::state;
  auto part = read_http_answer_head(text.substr(0, cut));
  auto whole = read_http_answer_head(text);
  fuzz::require(part.is == state::part || part.is == whole.is, "a head changes with what follows");
  fuzz::require(part.is != state::whole || part.status == whole.status, "so does its status");
  fuzz::require(whole.is != state::whole || (whole.status >= 100 && whole.status <= 999),
                "a status that is none");
}

void make_request(std::string_view text, std::size_t cut) {
  auto path = text.substr(0, cut);
  auto headers = text.substr(cut);
  if (check_http_check(path, headers))
    return;
  auto request = http_check_request(path, headers, "10.0.0.1:80");
  fuzz::require(request.find("\r\n\r\n") == request.size() - 4, "more than one request");
  auto host = request.find("\r\nHost: ");
  fuzz::require(host != request.npos && request.find("\r\nHost: ", host + 1) == request.npos,
                "another host");
  fuzz::require(request.starts_with("GET /"), "another method or target");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  if (text.size() < 2)
    return 0;
  auto cut = (static_cast<unsigned char>(text[0]) * 256u + static_cast<unsigned char>(text[1]))
             % (text.size() - 1);
  text.remove_prefix(2);
  cut = std::min(cut, text.size());
  filter_mysql(text, cut);
  read_head(text, cut);
  make_request(text, cut);
  return 0;
}
