#include "tests/kit/deterministic.hpp"

#include <sstream>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <zlib.h>

#include "protocol/json_reader.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

std::string inflated(const std::string& bytes) {
  if (bytes.empty() || bytes[0] != '\x1f')
    return bytes;
  std::string text(65'536, '\0');
  z_stream stream{};
  constexpr int zlib_or_gzip = 15 + 32;
  REQUIRE(inflateInit2(&stream, zlib_or_gzip) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  auto result = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  REQUIRE(result == Z_STREAM_END);
  return text;
}

/// What a push tells, read as a 1.x client reads it.
struct push_seen {
  std::int64_t packet_ref_time = 0;
  std::int64_t list_ref_time = 0;
  std::string name;
  std::string hosts;
};

push_seen read_push(const std::string& bytes) {
  push_seen seen;
  json_document packet(inflated(bytes));
  REQUIRE(packet.root()["type"].string() == "dom");
  seen.packet_ref_time = static_cast<std::int64_t>(*packet.root()["lastRefTime"].number());
  std::string data(*packet.root()["data"].string());
  json_document list(data);
  seen.list_ref_time = static_cast<std::int64_t>(*list.root()["lastRefTime"].number());
  seen.name = std::string(*list.root()["name"].string());
  for (auto& host : list.root()["hosts"].elements())
    seen.hosts += (seen.hosts.empty() ? "" : " ") + std::string(*host["ip"].string())
                  + (*host["healthy"].boolean() ? '+' : '-');
  return seen;
}

/// Everything that is logged while it lives.
class log_capture {
public:
  log_capture() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(text_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("capture", sink));
  }
  ~log_capture() { spdlog::set_default_logger(before_); }

  std::size_t count(std::string_view part) const {
    auto text = text_.str();
    std::size_t n = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
      ++n;
    return n;
  }

private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

void acknowledge(node_fixture& node, const recording_sink::datagram& x) {
  caf::anon_send(node.context->actors.udp_push.get(),
                 udp_ack{x.ip, x.port, read_push(*x.bytes).packet_ref_time});
}

} // namespace

TEST_CASE("a subscriber is told the present state at once") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  node.subscribe("s", "10.9.9.9");
  node.settle();
  REQUIRE(node.sink->sent.size() == 1);
  CHECK(node.sink->sent[0].ip == "10.9.9.9");
  CHECK(node.sink->sent[0].port == 5000);
  CHECK(read_push(*node.sink->sent[0].bytes).hosts == "10.0.0.1+");
}

TEST_CASE("the first change of a quiet service is pushed at once, more within 500 ms merge") {
  node_fixture node;
  node.subscribe("s", "10.9.9.9");
  node.advance(1s);
  node.sink->sent.clear();
  node.register_instance("s", "10.0.0.1");
  node.settle();
  CHECK(node.sink->sent.size() == 1);
  for (int i = 2; i < 5; ++i) {
    node.advance(100ms);
    node.register_instance("s", "10.0.0." + std::to_string(i));
  }
  node.advance(150ms, 10ms);
  CHECK(node.sink->sent.size() == 1);
  node.advance(60ms, 10ms);
  REQUIRE(node.sink->sent.size() == 2);
  CHECK(read_push(*node.sink->sent[1].bytes).hosts == "10.0.0.1+ 10.0.0.2+ 10.0.0.3+ 10.0.0.4+");
  node.advance(2s);
  CHECK(node.sink->sent.size() == 2);
}

TEST_CASE("an empty list is pushed too") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.subscribe("s", "10.9.9.9");
  node.advance(1s);
  node.deregister("s", "10.0.0.1");
  node.settle();
  CHECK(read_push(*node.sink->sent.back().bytes).hosts == "");
}

TEST_CASE("without an ack a push is sent once more after 10 s, then counts as failed") {
  node_fixture node;
  node.subscribe("s", "10.9.9.9");
  node.settle();
  CHECK(node.sink->sent.size() == 1);
  node.advance(9'900ms);
  CHECK(node.sink->sent.size() == 1);
  node.advance(500ms);
  REQUIRE(node.sink->sent.size() == 2);
  CHECK(*node.sink->sent[0].bytes == *node.sink->sent[1].bytes);
  CHECK(node.context->counters.pushes_failed == 0);
  node.advance(10'200ms);
  CHECK(node.sink->sent.size() == 2);
  CHECK(node.context->counters.pushes_failed == 1);
}

TEST_CASE("an ack ends the waiting") {
  node_fixture node;
  node.subscribe("s", "10.9.9.9");
  node.settle();
  acknowledge(node, node.sink->sent.at(0));
  node.advance(25s, 1s);
  CHECK(node.sink->sent.size() == 1);
  CHECK(node.context->counters.pushes_acked == 1);
  CHECK(node.context->counters.pushes_failed == 0);
}

TEST_CASE("while pushing is switched off changes wait, and are told when it is on again") {
  node_fixture node;
  node.subscribe("s", "10.9.9.9");
  node.advance(1s);
  node.sink->sent.clear();
  auto switches = std::make_shared<switch_domain>();
  switches->push_enabled = false;
  node.context->tables.store.set_switches(switches);
  node.register_instance("s", "10.0.0.1");
  node.advance(3s);
  CHECK(node.sink->sent.empty());
  node.context->tables.store.set_switches(std::make_shared<switch_domain>());
  node.advance(1s);
  REQUIRE(node.sink->sent.size() == 1);
  CHECK(read_push(*node.sink->sent[0].bytes).hosts == "10.0.0.1+");
}

TEST_CASE("the last push every subscriber got is the final state, never older after newer (I4)") {
  under_seeds([](std::uint64_t seed) {
    node_fixture node(seed);
    std::vector<std::string> services{"a", "b"};
    for (auto& service : services)
      for (int i = 1; i <= 2; ++i)
        node.subscribe(service, "10.9.9." + std::to_string(i));
    auto kill_one = [&] {
      auto& c = *node.context;
      switch (node.rng() % 5) {
        case 0:
          return caf::anon_send_exit(c.actors.push_engine.get(), caf::exit_reason::kill);
        case 1:
          return caf::anon_send_exit(c.actors.udp_push.get(), caf::exit_reason::kill);
        case 2:
          return caf::anon_send_exit(c.actors.registry.get(), caf::exit_reason::kill);
        case 3:
          return caf::anon_send_exit(c.actors.metadata.get(), caf::exit_reason::kill);
        default:
          if (auto actor =
                c.tables.directory.find_actor(node.key(services[node.rng() % 2])->view()))
            caf::anon_send_exit(actor, caf::exit_reason::kill);
      }
    };
    for (int i = 0; i < 15; ++i) {
      auto& service = services[node.rng() % 2];
      auto ip = "10.0.0." + std::to_string(node.rng() % 3);
      if (node.rng() % 2 == 0)
        node.register_instance(service, ip);
      else
        node.deregister(service, ip);
      if (node.rng() % 6 == 0)
        kill_one();
      for (auto steps = node.rng() % 10; steps > 0; --steps)
        node.step();
      if (node.rng() % 3 == 0)
        node.advance(std::chrono::milliseconds(node.rng() % 300), 50ms);
    }
    node.advance(3s);
    std::map<std::string, push_seen> last;
    for (auto& x : node.sink->sent) {
      auto seen = read_push(*x.bytes);
      auto& before = last[seen.name + " to " + x.ip];
      CHECK(seen.list_ref_time >= before.list_ref_time);
      before = seen;
    }
    CHECK(last.size() == 4);
    for (auto& [channel, seen] : last)
      CHECK(seen.hosts == node.shown(seen.name.substr(seen.name.size() - 1)));
  });
}

TEST_CASE("an address that somebody names gets few datagrams until it acknowledges one") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  node.subscribe_unproved("s", "10.9.9.9");
  node.settle();
  REQUIRE(node.sink->sent.size() == 1);
  // Changes by anybody make no more of them.
  for (int i = 2; i < 12; ++i) {
    node.register_instance("s", "10.0.0." + std::to_string(i));
    node.advance(700ms);
  }
  CHECK(node.sink->sent.size() == 1);
  node.advance(20s);
  CHECK(node.sink->sent.size() <= 3);
  auto before = node.sink->sent.size();
  acknowledge(node, node.sink->sent.back());
  node.settle();
  // From here on it gets what it missed, and all that comes.
  node.register_instance("s", "10.0.0.99");
  node.advance(1s);
  CHECK(node.sink->sent.size() > before);
  CHECK(read_push(*node.sink->sent.back().bytes).hosts == node.shown("s"));
}

TEST_CASE("an acknowledgement lets go what waits for its own address, at any port, and no more") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  node.subscribe_unproved("s", "10.9.9.8");
  node.subscribe_unproved("s", "10.9.9.9");
  node.settle();
  REQUIRE(node.sink->sent.size() == 2);
  auto first = node.sink->sent[0].ip == "10.9.9.8" ? node.sink->sent[0] : node.sink->sent[1];
  node.subscribe_unproved("s", "10.9.9.8", 5001);
  node.advance(300ms, 300ms); // from here on the timer rings at odd tenths of a second
  node.register_instance("s", "10.0.0.2");
  node.advance(9'700ms);
  CHECK(node.sink->sent.size() == 2);
  // Now the other address might get one more, which is for the timer to see.
  acknowledge(node, first);
  node.settle();
  REQUIRE(node.sink->sent.size() == 4);
  for (std::size_t i = 2; i < 4; ++i) {
    CHECK(node.sink->sent[i].ip == "10.9.9.8");
    CHECK(node.sink->sent[i].port == 4'998 + i);
    CHECK(read_push(*node.sink->sent[i].bytes).hosts == node.shown("s"));
  }
}

TEST_CASE("a list that is too long for somebody unknown waits for the answer to a probe") {
  options opts;
  opts.push.warm_up = 0ms;
  opts.push.udp_unproved_bytes_max = 300;
  node_fixture node(1, opts);
  for (int i = 0; i < 100; ++i)
    node.register_instance("s", "10.0." + std::to_string(i * 7) + "." + std::to_string(i));
  node.settle();
  node.subscribe_unproved("s", "10.9.9.9");
  node.settle();
  REQUIRE(node.sink->sent.size() == 1);
  auto& probe = *node.sink->sent[0].bytes;
  CHECK(probe.starts_with(R"({"type":"probe")"));
  json_document packet(probe);
  auto number = static_cast<std::int64_t>(*packet.root()["lastRefTime"].number());
  auto& udp = node.context->actors.udp_push;
  caf::anon_send(udp.get(), udp_ack{"10.9.9.9", 5000, number + 1}); // a guess
  caf::anon_send(udp.get(), udp_ack{"10.9.9.9", 5001, number});     // somebody else
  node.settle();
  CHECK(node.sink->sent.size() == 1);
  caf::anon_send(udp.get(), udp_ack{"10.9.9.9", 5000, number});
  node.settle();
  REQUIRE(node.sink->sent.size() == 2);
  CHECK(read_push(*node.sink->sent[1].bytes).hosts == node.shown("s"));
}

TEST_CASE("a list that fits no datagram goes to nobody, as the log says once in a minute") {
  log_capture log;
  node_fixture node;
  auto ip = [](int i) { return "10.0.0." + std::to_string(i); };
  for (int i = 0; i < 200; ++i) {
    std::string noise; // packs to half of it
    for (int k = 0; k < 1'000; ++k)
      noise += "0123456789abcdef"[node.rng() % 16];
    node.register_instance("s", ip(i), {{"k", noise}});
  }
  node.settle();
  for (auto who : {"10.9.9.8", "10.9.9.9"})
    node.subscribe("s", who);
  node.settle();
  CHECK(node.context->counters.pushes_failed == 2);
  node.register_instance("s", ip(200));
  node.advance(1s);
  CHECK(node.context->counters.pushes_failed == 4);
  CHECK(log.count("push-too-large DEFAULT_GROUP@@s: 20") == 1);
  for (int beats = 0; beats < 14; ++beats) {
    node.advance(5s, 1s);
    for (int i = 0; i <= 200; ++i)
      node.beat("s", ip(i));
  }
  node.subscribe("s", "10.9.9.7");
  node.settle();
  CHECK(log.count("push-too-large") == 2);
  CHECK(node.sink->sent.empty());
  CHECK(node.context->counters.pushes == 0);
}
