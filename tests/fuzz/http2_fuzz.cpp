// Bytes of a client against gRPC over HTTP/2, no socket. The first byte of an input says in how
// large pieces the rest comes, the second what the calls do with their messages; the preface of
// HTTP/2 comes by itself unless the input begins with one.
#include "fuzz.hpp"
#include "grpc/http2/http2_session.hpp"

using namespace nacre;

namespace {

enum class manner : std::uint8_t { echo, silent, stream, fail, cancel };

/// A call that answers in its manner; never after its end.
class fuzzed_call final : public http2_call {
public:
  explicit fuzzed_call(manner how) : http2_call(64 * 1024), how_(how) {}

  ~fuzzed_call() override { fuzz::require(ended_ || !begun_, "a call that never ended"); }

private:
  void on_begin() override {
    begun_ = true;
    if (how_ == manner::stream)
      send_headers();
  }

  void on_message(std::string_view x) override {
    fuzz::require(begun_ && !ended_, "a message outside of its call");
    fuzz::require(x.size() <= 64 * 1024, "a message beyond the bound");
    switch (how_) {
      case manner::echo:
        return reply(message_of(x));
      case manner::stream:
        return send(message_of(x));
      case manner::fail:
        return fail({status_code::internal, std::string(x.substr(0, 10))});
      case manner::cancel:
        return cancel();
      case manner::silent:
        return;
    }
  }

  void on_half_close() override {
    fuzz::require(begun_ && !ended_, "an end outside of its call");
    finish();
  }

  void on_end(const call_status&) override {
    fuzz::require(begun_ && !ended_, "a second end");
    ended_ = true;
  }

  static outgoing_message message_of(std::string_view x) {
    outgoing_message message;
    message.head.append(x.substr(0, 10));
    message.body = x.substr(std::min<std::size_t>(10, x.size()));
    return message;
  }

  const manner how_;
  bool begun_ = false;
  bool ended_ = false;
};

struct fuzzed_taker final : call_taker {
  explicit fuzzed_taker(manner x) : how(x) {}

  int route_of(std::string_view path) const override { return path == "/echo" ? 0 : -1; }
  http2_call_ptr take_call(int) override { return std::make_shared<fuzzed_call>(how); }
  bool is_known() const override { return how == manner::stream; }

  const manner how;
};

struct fuzzed_owner final : session_owner {
  void on_output() override {}
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2)
    return 0;
  constexpr std::size_t slice_bytes_max = 16 * 1024;
  auto step = std::size_t(1) << (data[0] % 15);
  http2_limits limits;
  limits.all_partial_bytes_max = 1024 * 1024;
  port_counters counters;
  http2_common common(limits, counters);
  fuzzed_taker taker(static_cast<manner>(data[1] % 5));
  fuzzed_owner owner;
  frame_space space;
  steady_time now(milliseconds(1'000));
  {
    http2_session session(common, space, taker, owner, now);
    constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    if (!bytes.starts_with("PRI "))
      session.receive(preface, now);
    std::string out;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
      now += milliseconds(10);
      auto piece = bytes.substr(0, step);
      bool goes_on = session.receive(piece, now);
      while (goes_on && session.has_paused()) {
        piece.remove_prefix(session.taken());
        goes_on = session.receive(piece, now);
      }
      session.check_deadlines(now);
      out.clear();
      session.collect(out, slice_bytes_max);
      if (!goes_on)
        break;
    }
    for (int i = 0; i < 100 && session.wants_to_send(); ++i) {
      out.clear();
      session.collect(out, slice_bytes_max);
    }
  }
  fuzz::require(common.partial.used() == 0, "bytes of incomplete messages are left");
  return 0;
}
