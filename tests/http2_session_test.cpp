// gRPC over HTTP/2 without sockets: bytes in, bytes out.
#include <doctest/doctest.h>

#include "grpc/http2/gzip.hpp"
#include "tests/kit/http2_pair.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

enum : int {
  data = 0,
  headers = 1,
  priority = 2,
  reset = 3,
  settings = 4,
  ping = 6,
  go_away = 7,
  window_update = 8,
  continuation = 9
};
enum : int { end_stream = 1, end_headers = 4 };

/// What frames of a kind there are in `bytes`, as (flags, stream, payload).
struct seen_frame {
  int flags;
  std::uint32_t stream;
  std::string payload;
};
std::vector<seen_frame> frames_of(std::string_view bytes, int kind) {
  std::vector<seen_frame> found;
  while (bytes.size() >= 9) {
    auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    auto size = std::size_t(at(0)) << 16 | std::size_t(at(1)) << 8 | at(2);
    REQUIRE(bytes.size() >= 9 + size);
    if (at(3) == kind)
      found.push_back(
        {at(4), std::uint32_t(at(7)) << 8 | at(8), std::string(bytes.substr(9, size))});
    bytes.remove_prefix(9 + size);
  }
  return found;
}

std::string number(std::uint32_t x) {
  return {static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8),
          static_cast<char>(x)};
}

std::string call_frames(std::uint32_t stream, const std::string& text) {
  return frame(headers, end_headers, stream, request_head("/echo"))
         + frame(data, end_stream, stream, grpc_message(text));
}

} // namespace

// -- calls ---------------------------------------------------------------------------------------

TEST_CASE("a unary call is answered, whatever its size and however its bytes come") {
  for (std::size_t size : {0, 1, 1'000, 16'384, 70'000, 900'000})
    for (std::size_t step : {1, 9, 1'000'000}) {
      if (size > 70'000 && step < 1'000)
        continue;
      CAPTURE(size);
      CAPTURE(step);
      http2_pair pair;
      auto call = pair.open();
      call->send(message_of(std::string(size, 'x')));
      call->finish();
      pair.settle(step);
      REQUIRE(call->ended);
      CHECK(call->ended->ok());
      REQUIRE(call->messages.size() == 1);
      CHECK((call->messages[0] == std::string(size, 'x')));
      REQUIRE(pair.taker.calls.size() == 1);
      CHECK(pair.taker.calls[0]->half_closed);
      CHECK(pair.taker.calls[0]->sent == 1);
      CHECK(pair.taker.calls[0]->ended->ok());
      CHECK(pair.session.calls() == 0);
      CHECK(pair.session.unsent() == 0);
      CHECK(pair.common.partial.used() == 0);
    }
}

TEST_CASE("many calls at once are answered each by its own") {
  http2_pair pair;
  std::vector<std::shared_ptr<recorded_call>> calls;
  for (int i = 0; i < 500; ++i) {
    calls.push_back(pair.open());
    calls.back()->send(message_of("call " + std::to_string(i)));
    calls.back()->finish();
  }
  pair.settle(777);
  for (int i = 0; i < 500; ++i) {
    REQUIRE(calls[i]->messages.size() == 1);
    CHECK(calls[i]->messages[0] == "call " + std::to_string(i));
    CHECK(calls[i]->ended->ok());
  }
}

TEST_CASE("a stream carries messages both ways until one end has said all") {
  http2_pair pair;
  pair.taker.on_each = [](recorded_call& call, std::string_view x) {
    call.send(message_of("heard " + std::string(x)));
  };
  auto call = pair.open();
  call->send(message_of("1"));
  pair.settle();
  CHECK(call->messages == std::vector<std::string>{"heard 1"});
  pair.taker.calls[0]->send(message_of("unasked"));
  call->send(message_of("2"));
  pair.settle();
  CHECK(call->messages == std::vector<std::string>{"heard 1", "unasked", "heard 2"});
  CHECK(!call->ended);
  call->finish();
  pair.settle();
  CHECK(pair.taker.calls[0]->half_closed);
  pair.taker.calls[0]->finish({status_code::unavailable, "the node stops: 100% é\n"});
  pair.settle();
  REQUIRE(call->ended);
  CHECK(call->ended->code == status_code::unavailable);
  CHECK(call->ended->text == "the node stops: 100% é\n");
}

TEST_CASE("an answer may come later, and a call that is over takes none") {
  http2_pair pair;
  pair.taker.on_each = nullptr;
  auto call = pair.open();
  call->send(message_of("x"));
  call->finish();
  pair.settle();
  CHECK(!call->ended);
  auto before = pair.owner.outputs;
  pair.taker.calls[0]->reply(message_of("late"));
  CHECK(pair.owner.outputs > before);
  pair.settle();
  CHECK(call->messages == std::vector<std::string>{"late"});
  pair.taker.calls[0]->reply(message_of("again"));
  pair.taker.calls[0]->finish();
  pair.taker.calls[0]->cancel();
  pair.settle();
  CHECK(call->messages.size() == 1);
}

TEST_CASE("failures are told with status and text, before or after the headers") {
  http2_pair pair;
  pair.taker.on_each = [](recorded_call& call, std::string_view x) {
    if (x == "late")
      call.send_headers();
    call.fail({status_code::permission_denied, "no: " + std::string(x)});
  };
  for (auto text : {"early", "late"}) {
    auto call = pair.open();
    call->send(message_of(text));
    pair.settle();
    REQUIRE(call->ended);
    CHECK(call->ended->code == status_code::permission_denied);
    CHECK(call->ended->text == std::string("no: ") + text);
  }
  auto unknown = pair.open("/Request/other");
  unknown->send(message_of("x"));
  pair.settle();
  CHECK(unknown->ended->code == status_code::unimplemented);
  CHECK(unknown->ended->text == "Method not found: Request/other");
  CHECK(pair.session.calls() == 0);
}

TEST_CASE("a failure with a long text arrives, its text cut") {
  http2_pair pair;
  pair.taker.on_each = [](recorded_call& call, std::string_view x) {
    if (x == "late")
      call.send_headers();
    call.fail({status_code::internal, std::string(20'000, '%')});
  };
  for (auto text : {"early", "late"}) {
    auto call = pair.open();
    call->send(message_of(text));
    pair.settle();
    REQUIRE(call->ended);
    CHECK(call->ended->code == status_code::internal);
    CHECK(call->ended->text == std::string(1'024, '%') + "…");
  }
}

TEST_CASE("a cancelled call is over on both sides") {
  http2_pair pair;
  pair.taker.on_each = nullptr;
  auto by_client = pair.open();
  auto by_server = pair.open();
  by_client->send(message_of("x"));
  by_server->send(message_of("x"));
  pair.settle();
  by_client->cancel();
  pair.taker.calls[1]->cancel();
  pair.settle();
  for (auto& x : {by_client, by_server, pair.taker.calls[0], pair.taker.calls[1]}) {
    REQUIRE(x->ended);
    CHECK(x->ended->code == status_code::cancelled);
  }
}

TEST_CASE("a deadline that passes ends the call") {
  http2_end end;
  end.taker.on_each = nullptr;
  end.receive(
    opening + frame(headers, end_headers, 1, request_head("/echo") + literal("grpc-timeout", "50m"))
    + frame(data, end_stream, 1, grpc_message("x")) + call_frames(3, "x"));
  end.session.check_deadlines(end.now + milliseconds(49));
  CHECK(!end.taker.calls[0]->ended);
  end.session.check_deadlines(end.now + milliseconds(50));
  REQUIRE(end.taker.calls[0]->ended);
  CHECK(end.taker.calls[0]->ended->code == status_code::deadline_exceeded);
  CHECK(!end.taker.calls[1]->ended);
}

TEST_CASE("gzip: who sends it and takes it gets it, also in parts") {
  http2_end end;
  std::string text(5'000, 'a');
  auto packed = gzip_packed(text);
  char prefix[message_prefix_bytes];
  write_message_prefix(prefix, true, packed.size());
  auto message = std::string(prefix, sizeof prefix) + packed;
  end.receive(opening
              + frame(headers, end_headers, 1,
                      request_head("/echo") + literal("grpc-encoding", "gzip")
                        + literal("grpc-accept-encoding", "identity,gzip"))
              + frame(data, 0, 1, message.substr(0, 3))
              + frame(data, end_stream, 1, message.substr(3)));
  REQUIRE(end.taker.calls.size() == 1);
  CHECK(end.taker.calls[0]->messages == std::vector<std::string>{text});
  auto answer = frames_of(end.collect(), data);
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].payload[0] == 1);
  CHECK(gzip_unpacked(answer[0].payload.substr(message_prefix_bytes), 10'000) == text);
}

// -- what is refused -----------------------------------------------------------------------------

TEST_CASE("requests that are not gRPC get a status of HTTP and no call") {
  http2_end end;
  end.receive(
    opening + frame(headers, end_headers, 1, request_head("/echo", "GET"))
    + frame(headers, end_headers | end_stream, 3, request_head("/echo", "POST", "application/json"))
    + frame(headers, end_headers, 5, request_head("/echo") + literal("grpc-encoding", "snappy")));
  CHECK(end.taker.calls.empty());
  auto out = end.collect();
  CHECK(frames_of(out, headers).size() == 3);
  // Whoever has more to say is told that nobody listens.
  CHECK(frames_of(out, reset).size() == 2);
  CHECK(end.receive(call_frames(7, "x")));
  CHECK(end.taker.calls.size() == 1);
}

TEST_CASE("a message that is too long fails its own call only") {
  http2_limits limits;
  http2_end end(limits);
  end.taker.bytes_max = 1'000;
  end.receive(opening + call_frames(1, std::string(1'001, 'x')) + call_frames(3, "x")
              + frame(headers, end_headers, 5, request_head("/echo"))
              + frame(data, end_stream, 5, std::string("\0\xff\xff\xff\xff", 5)));
  REQUIRE(end.taker.calls.size() == 3);
  CHECK(end.taker.calls[0]->ended->code == status_code::resource_exhausted);
  CHECK(end.taker.calls[1]->messages.size() == 1);
  CHECK(end.taker.calls[2]->ended->code == status_code::resource_exhausted);
  CHECK(end.session.calls() == 1); // until its answer is sent
  end.collect();
  CHECK(end.session.calls() == 0);
}

TEST_CASE("a stream that ends without a message, or within one, is an error of that call") {
  http2_end end;
  end.taker.on_each = nullptr;
  end.receive(opening + frame(headers, end_headers, 1, request_head("/echo"))
              + frame(data, end_stream, 1, grpc_message("abcdef").substr(0, 8)));
  CHECK(end.taker.calls[0]->ended->code == status_code::internal);
  CHECK(end.common.partial.used() == 0);
}

TEST_CASE("who speaks HTTP/1 is told so, other strangers are told nothing") {
  http2_end end;
  CHECK(!end.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  auto out = end.collect();
  CHECK(out.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  auto body = out.substr(out.find("\r\n\r\n") + 4);
  CHECK(out.find("Content-Length: " + std::to_string(body.size()) + "\r\n") != out.npos);
  CHECK(end.session.is_over());
  http2_end other;
  CHECK(!other.receive(std::string(100, '\0')));
  CHECK(other.collect().empty());
}

// -- floods --------------------------------------------------------------------------------------

TEST_CASE("floods of frames end the connection early, and are counted") {
  struct row {
    std::string name;
    std::string bytes;
  };
  auto repeated = [](const std::string& x, int n) {
    std::string result;
    for (int i = 0; i < n; ++i)
      result += x;
    return result;
  };
  std::string resets;
  for (std::uint32_t i = 1; i < 20'000; i += 2)
    resets += frame(headers, end_headers, i, request_head("/echo")) + frame(reset, 0, i, number(8));
  const row rows[] = {
    {"settings", repeated(frame(settings, 0, 0, ""), 20'000)},
    {"pings", repeated(frame(ping, 0, 0, std::string(8, 'x')), 20'000)},
    {"priorities", repeated(frame(priority, 0, 1, std::string(5, '\1')), 20'000)},
    {"windows", frame(headers, end_headers, 1, request_head("/echo"))
                  + repeated(frame(window_update, 0, 1, number(1)), 20'000)},
    {"empty data", frame(headers, end_headers, 1, request_head("/echo"))
                     + repeated(frame(data, 0, 1, ""), 20'000)},
    {"resets", resets},
  };
  for (auto& x : rows) {
    CAPTURE(x.name);
    http2_end end;
    end.taker.on_each = nullptr;
    REQUIRE(end.receive(opening));
    bool goes_on = true;
    std::size_t used = 0;
    std::size_t most = 0;
    for (; used < x.bytes.size() && goes_on; used += 16'384) {
      goes_on = end.receive(std::string_view(x.bytes).substr(used, 16'384));
      most = std::max(most, end.collect().size());
    }
    CHECK(!goes_on);
    CHECK(end.common.counters.floods == 1);
    CHECK(most < 64 * 1024);
    end.collect();
    CHECK(end.session.is_over());
  }
}

TEST_CASE("headers without end, or too many of them, are refused") {
  http2_end end;
  // One entry of 4,000 bytes, which the rest refers to again and again.
  auto entry = std::string(1, '\x40') + '\1' + "a" + "\x7f\xa1\x0e" + std::string(1'952, 'v');
  end.receive(opening + frame(headers, end_headers | end_stream, 1, request_head("/echo"))
              + frame(headers, end_headers | end_stream, 3,
                      request_head("/echo") + entry + std::string(10'000, '\xbe')));
  CHECK(end.taker.calls.size() == 1);
  auto out = end.collect();
  CHECK(frames_of(out, headers).size() >= 1);
  http2_end endless;
  std::string flood = opening + frame(headers, 0, 1, request_head("/echo"));
  for (int i = 0; i < 1'000; ++i)
    flood += frame(continuation, 0, 1, literal("x", "y"));
  CHECK(!endless.receive(flood));
  CHECK(endless.taker.calls.empty());
}

TEST_CASE("messages that are never completed are bounded, more so of strangers") {
  for (bool known : {false, true}) {
    CAPTURE(known);
    http2_limits limits;
    limits.stranger_partial_bytes_max = 100'000;
    limits.partial_bytes_max = 500'000;
    http2_end end(limits);
    end.taker.known = known;
    REQUIRE(end.receive(opening));
    auto half = std::string("\0\0\x0e\xa6\x00", 5) + std::string(10'000, 'x');
    for (std::uint32_t i = 1; i < 200; i += 2)
      end.receive(frame(headers, end_headers, i, request_head("/echo")) + frame(data, 0, i, half));
    auto used = end.common.partial.used();
    CHECK(used <= (known ? 500'000 : 100'000));
    CHECK(used >= (known ? 490'000 : 90'000));
    int failed = 0;
    for (auto& x : end.taker.calls)
      failed += x->ended && x->ended->code == status_code::resource_exhausted ? 1 : 0;
    CHECK(failed == (known ? 50 : 90));
    CHECK(end.common.counters.partial_refused == static_cast<std::uint64_t>(failed));
    end.session.end({status_code::unavailable, "gone"});
    CHECK(end.common.partial.used() == 0);
  }
}

TEST_CASE("who opens no window holds what waits for it, and it is told how much that is") {
  http2_end end;
  std::string bytes = preface + frame(settings, 0, 0, std::string("\0\4\0\0\0\0", 6));
  for (std::uint32_t i = 1; i < 200; i += 2)
    bytes += call_frames(i, std::string(1'000, 'x'));
  REQUIRE(end.receive(bytes));
  auto out = end.collect();
  CHECK(frames_of(out, data).empty());
  CHECK(frames_of(out, headers).size() == 100);
  CHECK(end.session.unsent() == 100 * 1'005);
  CHECK(end.session.is_behind(0));
  // One is let go, another fails: it can still be told so.
  end.receive(frame(window_update, 0, 1, number(2'000)));
  end.taker.calls[1]->cancel();
  out = end.collect();
  CHECK(frames_of(out, data).size() == 1);
  CHECK(frames_of(out, reset).size() == 1);
  CHECK(end.session.unsent() == 98 * 1'005);
}

TEST_CASE("no more is taken out at one time than asked for, and all of it in the end") {
  http2_pair pair;
  pair.taker.on_each = [](recorded_call& call, std::string_view) {
    call.reply(message_of(std::string(60'000, 'y')));
  };
  std::vector<std::shared_ptr<recorded_call>> calls;
  for (int i = 0; i < 10; ++i) {
    calls.push_back(pair.open());
    calls.back()->send(message_of("x"));
    calls.back()->finish();
  }
  std::string there;
  pair.client.collect(there, 1'000'000);
  pair.receive(there);
  std::string all;
  for (auto part = pair.collect(20'000); !part.empty(); part = pair.collect(20'000)) {
    CHECK(part.size() < 20'000 + 17'000);
    all += part;
  }
  pair.client.receive(all, pair.now);
  pair.settle();
  for (auto& x : calls) {
    REQUIRE(x->messages.size() == 1);
    CHECK(x->messages[0].size() == 60'000);
    CHECK(x->ended->ok());
  }
}

TEST_CASE("a session leaves off when much waits to be sent, and goes on where it stood") {
  http2_end end;
  end.taker.on_each = [](recorded_call& call, std::string_view) {
    call.reply(message_of(std::string(200'000, 'y')));
  };
  std::string bytes = opening;
  for (std::uint32_t i = 1; i < 40; i += 2)
    bytes += call_frames(i, "x");
  std::string_view rest = bytes;
  int turns = 0;
  std::size_t before = 0;
  do {
    REQUIRE(end.session.receive(rest, end.now));
    rest.remove_prefix(end.session.taken());
    CHECK(end.taker.calls.size() <= before + 2);
    before = end.taker.calls.size();
    ++turns;
  } while (end.session.has_paused());
  CHECK(rest.empty());
  CHECK(turns >= 10);
  CHECK(end.taker.calls.size() == 20);
  for (auto& x : end.taker.calls)
    CHECK(x->half_closed);
}

TEST_CASE("a session that goes away finishes what is under way and takes no more") {
  http2_pair pair;
  pair.taker.on_each = nullptr;
  auto call = pair.open();
  call->send(message_of("x"));
  call->finish();
  pair.settle();
  pair.session.go_away();
  pair.settle();
  CHECK(!pair.session.is_over());
  pair.taker.calls[0]->reply(message_of("y"));
  pair.settle();
  CHECK(call->ended->ok());
  CHECK(pair.session.is_over());
}

TEST_CASE("a call that was sent before the other end heard of the leave is taken") {
  http2_pair pair;
  pair.settle();
  pair.session.go_away();
  auto notice = pair.collect();
  auto call = pair.open();
  call->send(message_of("x"));
  call->finish();
  std::string there;
  pair.client.collect(there, 100'000);
  pair.receive(there);
  pair.receive(pair.client, notice);
  pair.settle();
  REQUIRE(call->ended);
  CHECK(call->ended->ok());
  CHECK(pair.session.is_over());
}
