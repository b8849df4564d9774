#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grpc/http2/http2_session.hpp"

/// Both ends of a connection without a socket, and a clock that stands still.
namespace nacre::test {

/// A call that remembers what it hears, on either side.
class recorded_call : public http2_call {
public:
  explicit recorded_call(std::size_t bytes_max) : http2_call(bytes_max) {}

  std::function<void(recorded_call&, std::string_view)> on_each;
  std::vector<std::string> messages;
  bool half_closed = false;
  int sent = 0;
  std::optional<call_status> ended;

private:
  void on_message(std::string_view x) override {
    messages.emplace_back(x);
    if (on_each)
      on_each(*this, x);
  }
  void on_half_close() override { half_closed = true; }
  void on_sent(const outgoing_message&) override { ++sent; }
  void on_end(const call_status& x) override { ended = x; }
};

inline outgoing_message message_of(std::string text) {
  outgoing_message x;
  x.body = std::move(text);
  return x;
}

/// Serves `/echo`: each message comes back; it remembers all calls.
struct echo_taker final : call_taker {
  int route_of(std::string_view path) const override { return path == "/echo" ? 0 : -1; }
  http2_call_ptr take_call(int) override {
    auto call = std::make_shared<recorded_call>(bytes_max);
    call->on_each = on_each;
    calls.push_back(call);
    return call;
  }
  bool is_known() const override { return known; }

  std::size_t bytes_max = 1'000'000;
  bool known = true;
  std::function<void(recorded_call&, std::string_view)> on_each =
    [](recorded_call& call, std::string_view x) { call.reply(message_of(std::string(x))); };
  std::vector<std::shared_ptr<recorded_call>> calls;
};

struct silent_owner final : session_owner {
  void on_output() override { ++outputs; }
  int outputs = 0;
};

/// A server's session.
struct http2_end {
  explicit http2_end(const http2_limits& limits = {}) : common(limits, counters) {}

  steady_time now{milliseconds(1'000)};
  port_counters counters;
  http2_common common;
  echo_taker taker;
  silent_owner owner;
  frame_space space;
  http2_session session{common, space, taker, owner, now};

  bool receive(std::string_view bytes) { return receive(session, bytes); }

  /// Feeds all of it, however often the session leaves off.
  bool receive(http2_session& to, std::string_view bytes) const {
    bool goes_on = true;
    do {
      goes_on = to.receive(bytes, now);
      bytes.remove_prefix(to.taken());
    } while (goes_on && to.has_paused());
    return goes_on;
  }

  std::string collect(std::size_t bytes_max = 1'000'000) {
    std::string out;
    session.collect(out, bytes_max);
    return out;
  }
};

/// A client's session that talks to a server's.
struct http2_pair : http2_end {
  explicit http2_pair(const http2_limits& limits = {}) : http2_end(limits) {}

  http2_common client_common{http2_limits{}, counters};
  http2_session client{client_common, space, owner, now};

  std::shared_ptr<recorded_call> open(const std::string& path = "/echo") {
    auto call = std::make_shared<recorded_call>(10'000'000);
    client.open(call, path, "test");
    return call;
  }

  /// Carries bytes until neither has any; in pieces of `step`.
  void settle(std::size_t step = 1'000'000) {
    for (bool moved = true; moved;) {
      std::string there, back;
      client.collect(there, 100'000);
      feed(session, there, step);
      session.collect(back, 100'000);
      feed(client, back, step);
      moved = !there.empty() || !back.empty();
    }
  }

private:
  void feed(http2_session& to, std::string_view bytes, std::size_t step) const {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
      receive(to, bytes.substr(0, step));
  }
};

// -- HTTP/2 by hand ------------------------------------------------------------------------------

inline const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string frame(int kind, int flags, std::uint32_t stream, const std::string& payload) {
  std::string head;
  for (int shift : {16, 8, 0})
    head += static_cast<char>(payload.size() >> shift);
  head += static_cast<char>(kind);
  head += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0})
    head += static_cast<char>(stream >> shift);
  return head + payload;
}

/// A header that nobody has to remember.
inline std::string literal(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name
         + static_cast<char>(value.size()) + value;
}

inline std::string request_head(const std::string& path, const std::string& method = "POST",
                                const std::string& content = "application/grpc") {
  return literal(":method", method) + literal(":scheme", "http") + literal(":path", path)
         + literal(":authority", "x") + literal("content-type", content)
         + literal("te", "trailers");
}

inline std::string grpc_message(const std::string& text) {
  char prefix[message_prefix_bytes];
  write_message_prefix(prefix, false, text.size());
  return std::string(prefix, sizeof prefix) + text;
}

inline const std::string opening = preface + frame(4, 0, 0, "");

} // namespace nacre::test
