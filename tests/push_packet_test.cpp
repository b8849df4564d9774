#include "protocol/push_packet.hpp"

#include "protocol/json_reader.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>

#include <zlib.h>

using namespace nacre;

namespace {

bool is_gzip(std::string_view packet) { return packet.starts_with("\x1f\x8b\x08"); }

/// The text of a packet as a client gets it (Nacos IoUtils.tryDecompress).
std::string unpacked(const std::string& packet) {
  if (!is_gzip(packet))
    return packet;
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string text;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packet.data()));
  stream.avail_in = static_cast<uInt>(packet.size());
  int result = Z_OK;
  while (result == Z_OK) {
    char part[4096];
    stream.next_out = reinterpret_cast<Bytef*>(part);
    stream.avail_out = sizeof part;
    result = inflate(&stream, Z_NO_FLUSH);
    text.append(part, sizeof part - stream.avail_out);
  }
  CHECK(result == Z_STREAM_END);
  CHECK(stream.avail_in == 0);
  inflateEnd(&stream);
  return text;
}

constexpr std::size_t frame_bytes =
  std::string_view(R"({"type":"dom","data":"","lastRefTime":1})").size();

} // namespace

TEST_CASE("a push is the recorded datagram (Nacos UdpConnector, vectors udp-acked)") {
  constexpr auto service =
    R"({"name":"DEFAULT_GROUP@@udp-acked","clusters":"","cacheMillis":10000,"hosts":[],)"
    R"("lastRefTime":1795220026848,"checksum":"","allIPs":false,)"
    R"("reachProtectionThreshold":false,"valid":true})";
  auto packet = make_push_packet(service, 1961568833844).value();
  CHECK(packet
        == R"({"type":"dom","data":"{\"name\":\"DEFAULT_GROUP@@udp-acked\",\"clusters\":\"\",)"
           R"(\"cacheMillis\":10000,\"hosts\":[],\"lastRefTime\":1795220026848,)"
           R"(\"checksum\":\"\",\"allIPs\":false,\"reachProtectionThreshold\":false,)"
           R"(\"valid\":true}","lastRefTime":1961568833844})");
  CHECK(packet.size() == 259); // `bytes` of the recording
}

TEST_CASE("a push is compressed from 1024 bytes on, not one byte earlier") {
  auto plain = make_push_packet(std::string(1023 - frame_bytes, 'x'), 1).value();
  CHECK(plain.size() == 1023);
  CHECK_FALSE(is_gzip(plain));
  auto packed = make_push_packet(std::string(1024 - frame_bytes, 'x'), 1).value();
  CHECK(is_gzip(packed));
  CHECK(packed.size() < 200);
  CHECK(unpacked(packed).size() == 1024);
  // The size counts after escaping, in bytes.
  CHECK_FALSE(is_gzip(make_push_packet(std::string((1023 - frame_bytes) / 2, '"'), 1).value()));
  CHECK(is_gzip(make_push_packet(std::string((1025 - frame_bytes) / 2, '"'), 1).value()));
}

TEST_CASE("what a client unpacks is what was sent, for every size") {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    std::minstd_rand rng(seed);
    constexpr std::string_view pieces[] = {"a", "\"", "\\", "中", "😀", "{}", "0", "\n", "host"};
    std::string service;
    // Sizes around the limit, and some far beyond it.
    auto size = rng() % 8 == 0 ? rng() % 100'000 : 700 + rng() % 500;
    while (service.size() < size)
      service += pieces[rng() % std::size(pieces)];
    auto ref_time = static_cast<std::int64_t>(rng()) * 1'000'000 - 1;
    auto packet = make_push_packet(service, ref_time).value();
    auto text = unpacked(packet);
    CAPTURE(seed);
    CHECK(is_gzip(packet) == (text.size() >= compress_from_bytes));
    json_document document(text);
    auto root = document.root();
    CHECK(root["type"].string() == "dom");
    CHECK(root["data"].string() == service);
    CHECK(root["lastRefTime"].scalar_text() == std::to_string(ref_time));
    CHECK(root.members().size() == 3);
  }
}

TEST_CASE("what fits no datagram makes no packet, what just fits does") {
  std::minstd_rand rng(1);
  std::string noise;
  for (int i = 0; i < 200'000; ++i)
    noise += "0123456789abcdef"[rng() % 16];
  std::size_t largest = 0;
  for (std::size_t size = 100'000; size <= noise.size(); size += 500) {
    auto packet = make_push_packet(noise.substr(0, size), 1);
    if (!packet)
      break;
    CHECK(packet->size() > largest);
    CHECK(unpacked(*packet).size() == size + frame_bytes);
    largest = packet->size();
  }
  CHECK(largest <= datagram_bytes_max);
  CHECK(largest > datagram_bytes_max - 1'000);
  CHECK_FALSE(make_push_packet(noise, 1));
}

TEST_CASE("an ack gives its number, as text or as number (Nacos PushReceiver)") {
  const std::pair<std::string_view, std::int64_t> rows[] = {
    {R"({"type": "push-ack", "lastRefTime": "1961568833844", "data": ""})", 1961568833844},
    {R"({"type":"push-ack","lastRefTime":1961568833844,"data":""})", 1961568833844},
    {R"({"lastRefTime":"0","type":"push-ack"})", 0},
    {R"({"type":"push-ack","lastRefTime":"-5"})", -5},
    {R"({"type":"push-ack","lastRefTime":"9223372036854775807"})",
     std::numeric_limits<std::int64_t>::max()},
  };
  for (auto& [text, number] : rows) {
    CAPTURE(text);
    CHECK(parse_push_ack(text) == number);
  }
}

TEST_CASE("datagrams that are no ack give nothing") {
  for (std::string_view text : {"",
                                " ",
                                "x",
                                "{}",
                                "[]",
                                "null",
                                "1",
                                R"({"type":"push-ack"})",
                                R"({"type":"push-ack","lastRefTime":null})",
                                R"({"type":"push-ack","lastRefTime":""})",
                                R"({"type":"push-ack","lastRefTime":"abc"})",
                                R"({"type":"push-ack","lastRefTime":"1.5"})",
                                R"({"type":"push-ack","lastRefTime":1.5})",
                                R"({"type":"push-ack","lastRefTime":[1]})",
                                R"({"type":"push-ack","lastRefTime":"9223372036854775808"})",
                                R"({"type":"push-ack","lastRefTime":" 1"})",
                                R"({"type":"PUSH-ACK","lastRefTime":"1"})",
                                R"({"type":"dump-ack","lastRefTime":"1"})",
                                R"({"type":1,"lastRefTime":"1"})",
                                R"({"lastRefTime":"1"})",
                                R"(["push-ack","1"])",
                                R"({"type":"push-ack","lastRefTime":"1")",
                                "\x1f\x8b\x08"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_push_ack(text));
  }
}

TEST_CASE("no datagram makes the reader of acks fail") {
  for (unsigned seed = 1; seed <= 5000; ++seed) {
    std::minstd_rand rng(seed);
    std::string text = R"({"type":"push-ack","lastRefTime":"1961568833844","data":""})";
    for (auto n = rng() % 4; n > 0; --n)
      text[rng() % text.size()] = static_cast<char>(rng());
    text.resize(rng() % (text.size() + 1));
    auto number = parse_push_ack(text);
    // Whoever is taken at its word at least says that it is an ack.
    CHECK((!number || text.find("push-ack") != text.npos));
  }
}

TEST_CASE("a probe is small, no list, and its ack counts") {
  auto probe = make_probe_packet(1962570661899);
  CHECK(probe == R"({"type":"probe","data":"","lastRefTime":1962570661899})");
  CHECK(parse_push_ack(R"({"type": "unknown-ack", "lastRefTime":"1962570661899", "data":""})")
        == 1962570661899);
}
