// Values of gRPC's headers, messages in the bytes of a stream, and the envelope as we write it.
#include <doctest/doctest.h>

#include "grpc/http2/frame_allowance.hpp"
#include "grpc/http2/gzip.hpp"
#include "grpc/http2/header_text.hpp"
#include "grpc/http2/message_reader.hpp"
#include "grpc/payload.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/naming_response.hpp"

using namespace nacre;

namespace {

std::string framed(const std::string& message, bool packed = false) {
  char prefix[message_prefix_bytes];
  write_message_prefix(prefix, packed, message.size());
  return std::string(prefix, sizeof prefix) + message;
}

struct read_result {
  std::vector<std::string> messages;
  std::optional<call_status> wrong;
};

/// Reads `bytes` in pieces of `step`.
read_result read_all(message_reader& reader, std::string_view bytes, std::size_t step) {
  read_result result;
  for (; !bytes.empty() && !result.wrong; bytes.remove_prefix(std::min(step, bytes.size())))
    result.wrong = reader.read(bytes.substr(0, step),
                               [&](std::string_view x) { result.messages.emplace_back(x); });
  return result;
}

} // namespace

TEST_CASE("grpc-message: all but printable ASCII is escaped, and comes back as it was") {
  struct row {
    std::string text, encoded;
  };
  const row rows[] = {
    {"", ""},
    {"plain text ~", "plain text ~"},
    {"100%", "100%25"},
    {"a\nb\x7f", "a%0Ab%7F"},
    {"\xc3\xa9", "%C3%A9"},
    {std::string("\0", 1), "%00"},
  };
  for (auto& x : rows) {
    CHECK(percent_encoded(x.text) == x.encoded);
    CHECK(percent_decoded(x.encoded) == x.text);
  }
  for (auto text : {"%", "%4", "%zz", "%%", "50% off"})
    CHECK(percent_decoded(text) == text);
  CHECK(percent_decoded("%2f%2F%") == "//%");
}

TEST_CASE("grpc-message: a long text is cut at the end of a character") {
  std::string text;
  while (text.size() < 20'000)
    text += "\xe9\x94\x99";
  auto told = percent_decoded(percent_encoded(text));
  CHECK(told == text.substr(0, 1'023) + "…");
}

TEST_CASE("grpc-timeout: a number of up to eight digits and a unit, else none") {
  struct row {
    const char* text;
    std::int64_t ms; // -1 for none
  };
  const row rows[] = {
    {"3S", 3'000},     {"250m", 250},
    {"1H", 3'600'000}, {"2M", 120'000},
    {"1u", 1},         {"1500u", 2},
    {"1000000n", 1},   {"1n", 1},
    {"0S", 0},         {"99999999H", 359'999'996'400'000},
    {"", -1},          {"S", -1},
    {"3", -1},         {"3s", -1},
    {"-3S", -1},       {"100000000S", -1},
    {"3 S", -1},       {"3.5S", -1},
    {"0x3S", -1},      {"+3S", -1},
  };
  for (auto& x : rows) {
    CAPTURE(x.text);
    auto timeout = parse_timeout(x.text);
    CHECK((timeout ? timeout->count() : -1) == x.ms);
  }
}

TEST_CASE("content types, encodings and states of calls are told from others") {
  for (auto good : {"application/grpc", "application/grpc+proto", "application/grpc;charset=x"})
    CHECK(is_grpc_content(good));
  for (auto bad : {"", "application/grpcx", "application/json", "text/application/grpc"})
    CHECK(!is_grpc_content(bad));
  CHECK(names_encoding("identity, deflate,gzip", "gzip"));
  CHECK(names_encoding("gzip", "gzip"));
  CHECK(!names_encoding("gzipped,zip", "gzip"));
  CHECK(!names_encoding("", "gzip"));
  CHECK(parse_status("0") == status_code::ok);
  CHECK(parse_status("16") == status_code::unauthenticated);
  for (auto bad : {"", "17", "-1", "1x", " 1"})
    CHECK(parse_status(bad) == status_code::unknown);
}

TEST_CASE("messages are found in whatever pieces they come") {
  const std::vector<std::string> messages{"", "a", std::string(300, 'b'), "",
                                          std::string(70'000, 'c')};
  std::string bytes;
  for (auto& x : messages)
    bytes += framed(x);
  for (std::size_t step : {1, 2, 3, 4, 5, 6, 7, 300, 70'000, 1'000'000}) {
    CAPTURE(step);
    message_reader reader(100'000);
    auto result = read_all(reader, bytes, step);
    CHECK(!result.wrong);
    CHECK((result.messages == messages));
    CHECK(reader.kept() == 0);
    CHECK(!reader.is_amid());
  }
}

TEST_CASE("what is kept of a message that is not complete is told") {
  message_reader reader(100);
  auto bytes = framed(std::string(100, 'x'));
  read_all(reader, std::string_view(bytes).substr(0, 3), 3);
  CHECK(reader.kept() == 0);
  CHECK(reader.is_amid());
  read_all(reader, std::string_view(bytes).substr(3, 52), 52);
  CHECK(reader.kept() == 50);
  auto rest = read_all(reader, std::string_view(bytes).substr(55), 50);
  CHECK(rest.messages.size() == 1);
  CHECK(reader.kept() == 0);
}

TEST_CASE("a message that is too long, has reserved bits or an unknown encoding is refused") {
  struct row {
    std::string bytes;
    status_code code;
    std::string text;
  };
  const row rows[] = {
    {std::string("\0\0\0\0\x65", 5), status_code::resource_exhausted,
     "gRPC message exceeds maximum size 100: 101"},
    {std::string("\0\xff\xff\xff\xff", 5), status_code::resource_exhausted,
     "gRPC message exceeds maximum size 100: 4294967295"},
    {std::string("\2\0\0\0\1x", 6), status_code::internal,
     "reserved bits are set in front of a message"},
    {std::string("\1\0\0\0\1x", 6), status_code::internal,
     "a compressed message without a grpc-encoding"},
  };
  for (auto& x : rows) {
    message_reader reader(100);
    auto result = read_all(reader, x.bytes, 100);
    REQUIRE(result.wrong);
    CHECK(result.wrong->code == x.code);
    CHECK(result.wrong->text == x.text);
    CHECK(result.messages.empty());
  }
}

TEST_CASE("gzip: packed messages are read, bombs and broken ones are refused") {
  auto text = std::string(50'000, 'z') + "end";
  auto packed = gzip_packed(text);
  CHECK(packed.size() < 1'000);
  CHECK(gzip_unpacked(packed, text.size()) == text);
  CHECK(!gzip_unpacked(packed, text.size() - 1));
  CHECK(!gzip_unpacked(packed.substr(0, packed.size() - 1), 100'000));
  CHECK(!gzip_unpacked(packed + "x", 100'000));
  CHECK(!gzip_unpacked("", 100'000));
  CHECK(!gzip_unpacked("not gzip", 100'000));
  CHECK(gzip_unpacked(gzip_packed(""), 0) == "");

  message_reader reader(100'000);
  reader.expect_gzip();
  auto bytes = framed(packed, true) + framed("plain");
  for (std::size_t step : {std::size_t(1), std::size_t(7), bytes.size()}) {
    auto result = read_all(reader, bytes, step);
    CHECK(!result.wrong);
    REQUIRE(result.messages.size() == 2);
    CHECK(result.messages[0] == text);
    CHECK(result.messages[1] == "plain");
  }
  message_reader small(1'000);
  small.expect_gzip();
  CHECK(read_all(small, framed(packed, true), 1'000).wrong);
}

TEST_CASE("a long list is shared by all messages that tell of it, a short one copied") {
  auto hosts = std::make_shared<const std::string>("[" + std::string(2'000, ' ') + "]");
  service_info x{{"public", "g", "s"}, "c", 10, hosts, 7, true};
  auto pushed = request_body(5, "naming", service_info_field(x));
  auto answered = success_body(service_info_field(x));
  CHECK(pushed.shared == hosts);
  CHECK(answered.shared == hosts);
  x.hosts = std::make_shared<const std::string>("[1]");
  CHECK(service_info_field(x).shared == nullptr);
  auto text = answered.str();
  CHECK(text.find(*hosts) != text.npos);
  json_document document(text);
  CHECK(document.error().empty());
  CHECK(text.size() == answered.size());

  auto message = enveloped("X", answered);
  wire::Payload read;
  REQUIRE(read.ParseFromString(std::string(message.head.view()) + message.body.str()));
  CHECK((body_of(read) == text));
}

TEST_CASE("the envelope that is written by hand is what protobuf reads") {
  for (auto type : {std::string_view("ServerCheckResponse"), std::string_view("X"),
                    std::string_view("NamingFuzzyWatchChangeNotifyRequest")})
    for (std::size_t size : {0, 1, 127, 128, 16'383, 16'384, 3'000'000}) {
      CAPTURE(size);
      auto message = enveloped(type, std::string(size, 'x'));
      auto bytes = std::string(message.head.view()) + message.body.str();
      wire::Payload read;
      REQUIRE(read.ParseFromString(bytes));
      CHECK(type_of(read) == type);
      CHECK((body_of(read) == std::string(size, 'x')));
    }
}

TEST_CASE("frames that cost us work have a price, calls that are answered earn it") {
  steady_time now(milliseconds(0));
  frame_allowance pings(now);
  for (std::int64_t i = 0; i < frame_allowance::points_max; ++i)
    REQUIRE(pings.spend(frame_allowance::control_frame, now));
  CHECK(!pings.spend(frame_allowance::control_frame, now));
  now += milliseconds(1'000);
  CHECK(pings.spend(frame_allowance::control_frame, now));
  now += milliseconds(3'600'000);
  frame_allowance resets(now);
  std::int64_t count = 0;
  while (resets.spend(frame_allowance::reset, now))
    ++count;
  CHECK(count == frame_allowance::points_max / frame_allowance::reset);
  frame_allowance steady(now);
  for (int i = 0; i < 100'000; ++i) { // each answer, and what a client says while it takes it
    REQUIRE(steady.spend(2 * frame_allowance::control_frame, now));
    steady.earn(frame_allowance::sent_frame);
  }
}
