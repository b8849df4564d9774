// Payloads of gRPC clients against a node of its own per input: real parsers, handlers and actors,
// one thread, virtual time, no socket. An input is up to 16 steps with a line `---` between them,
// each the digit of a connection (0 to 3, opened by its first step) and what it does:
//
//   0 InstanceRequest {"serviceName":"a","type":"registerInstance","instance":{"ip":"1.1.1.1"}}
//   0 END                  its stream ends
//   0 ACK                  it acknowledges all that was sent to it
//   0 :<bytes>             an envelope as protobuf has it
//   WAIT 5000              that many ms (at most a minute) of actor time pass
//
// Types ending with `Response` come on the stream, others by a call.
#include <array>
#include <deque>

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include "actors/connections/connection_client.hpp"
#include "grpc/sdk/rpc_call.hpp"
#include "protocol/naming_request.hpp"
#include "virtual_node.hpp"

using namespace nacre;

namespace {

constexpr std::size_t steps_max = 16;

/// Whether the envelope of an answer is complete and not at odds with itself.
void require_answer(std::string_view type, const std::string& body) {
  fuzz::require(type.ends_with("Response"), "an answer without a type of answers");
  json_document document(body);
  fuzz::require(document.error().empty(), document.error());
  auto root = document.root();
  auto result = root["resultCode"].number();
  auto error = root["errorCode"].number();
  auto success = root["success"].boolean();
  fuzz::require(result && error && success, "a code is missing");
  fuzz::require(*success == (*result == 200) && *success == (*error == 0), "codes disagree");
  fuzz::require(type != "ErrorResponse" || !*success, "an error that is none");
  auto message = root["message"];
  fuzz::require(!message || message.string(), "a message that is no text");
  if (auto info = root["serviceInfo"])
    fuzz::require(info["hosts"].is_array(), "a list without hosts");
}

/// The answer of a call that came by no socket.
struct kept_answer final : unary_answer {
  void deliver(rpc_reply x) override { reply = std::move(x); }
  void deliver_failure(call_status) override {}

  rpc_reply reply;
};

/// Remembers the ids of what was sent, which has to be well-formed.
struct recording_link final : connection_link {
  bool send(server_request request) override {
    fuzz::require(request.type.ends_with("Request"), "a push that is no request");
    auto text = request.body.str();
    json_document document(text);
    fuzz::require(document.error().empty(), document.error());
    auto id = document.root()["requestId"].string();
    fuzz::require(id && document.root()["headers"].is_object(), "a push without id or headers");
    unanswered.emplace_back(*id);
    return unanswered.size() < 64;
  }
  void close(std::string_view) override { closed = true; }

  std::deque<std::string> unanswered;
  bool closed = false;
};

class fuzzed_node : fuzz::virtual_node {
public:
  explicit fuzzed_node(fuzz::virtual_system& system) : virtual_node(system) {
    env_.api = {context, [] { return true; }, "127.0.0.1"};
    env_.system = &system.system;
    add_core_handlers(handlers_);
    add_naming_handlers(handlers_);
  }

  void serve(std::string_view text) {
    if (text.starts_with("WAIT "))
      return host.pass(std::min(parse_int32(text.substr(5)).value_or(0), 60'000));
    if (text.size() < 2)
      return;
    auto& client = clients_[static_cast<unsigned char>(text.front()) % clients_.size()];
    text.remove_prefix(2);
    if (client.connection && client.connection->ended)
      client = {};
    if (!client.connection)
      open(client);
    if (text == "END")
      return end(client);
    if (text == "ACK")
      return acknowledge(client);
    wire::Payload in;
    if (text.starts_with(':')) {
      if (!in.ParseFromArray(text.data() + 1, static_cast<int>(text.size()) - 1))
        return;
    } else {
      auto type = fuzz::take_until(text, " ");
      fill_payload(in, type, std::string(text));
    }
    read_as_everything(body_of(in));
    client.connection->active = steady_time(milliseconds(now_ms()));
    if (type_of(in).ends_with("Response"))
      take_answer(client, body_of(in));
    else
      call(client, in);
  }

  /// All clients go: nothing of them may be left.
  void end_all() {
    for (auto& x : clients_)
      if (x.connection)
        end(x);
    host.settle();
    fuzz::require(context->tables.connections.size() == 0, "a connection outlives its stream");
    context->tables.directory.for_each(
      [](const service_ref&, const service_actor&, const service_view_ptr& view) {
        if (!view)
          return;
        fuzz::require(view->subscribers.size() == 0, "a subscription outlives its connection");
        view->for_each_instance([](const publication&, const instance& x) {
          fuzz::require(!x.ephemeral, "an instance outlives its connection");
        });
      });
  }

private:
  struct client_slot {
    connection_ptr connection;
    std::shared_ptr<recording_link> link;
  };

  std::int64_t now_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
             host.scheduler.clock().now().time_since_epoch())
      .count();
  }

  void open(client_slot& x) {
    connection_info info;
    info.id = std::to_string(++opened_);
    info.client_ip = info.remote_ip = "10.0.0.1";
    x.link = std::make_shared<recording_link>();
    x.connection = std::make_shared<nacre::connection>(std::move(info), x.link,
                                                       steady_time(milliseconds(now_ms())));
    auto admission = open_connection(host.system, context, x.connection);
    fuzz::require(admission == connection_table::admission::admitted, "no room for 4 clients");
    host.settle();
  }

  void end(client_slot& x) {
    end_connection(x.connection, change_reason::connection_closed);
    host.settle();
    x = {};
  }

  void acknowledge(client_slot& x) {
    x.connection->active = steady_time(milliseconds(now_ms()));
    for (auto& id : std::exchange(x.link->unanswered, {}))
      take_answer(x, "{\"resultCode\":200,\"requestId\":\"" + id + "\"}");
    caf::anon_send(x.connection->actor.get(), link_drained{});
    host.settle();
  }

  /// What the stream does with an answer.
  void take_answer(client_slot& x, const std::string& body) {
    try {
      auto answer = parse_client_answer(body);
      if (auto id = parse_int64(answer.request_id); id && *id > 0)
        caf::anon_send(x.connection->actor.get(),
                       request_answered{static_cast<std::uint64_t>(*id), answer.ok});
    } catch (const unreadable_request&) {
    }
    host.settle();
  }

  /// What the listener does with a call of a connection. Any other exception is a finding.
  void call(client_slot& x, const wire::Payload& in) {
    auto handler = handlers_.find(type_of(in));
    if (handler == handlers_.end())
      return;
    auto answer = std::make_shared<kept_answer>();
    rpc_call call(env_, x.connection, in, answer);
    try {
      handler->second(call);
    } catch (const unreadable_request&) {
      answer->send(error_response(500, rpc_error::bad_gateway, "unreadable"));
    }
    host.settle();
    require_answer(answer->reply.type, answer->reply.body.str());
  }

  /// Whatever its type says: no parser may do worse than refuse.
  static void read_as_everything(const std::string& body) {
    auto read = [&](auto parse) {
      try {
        parse(std::string_view(body));
        return true;
      } catch (const unreadable_request&) {
        return false;
      }
    };
    bool readable = read(check_request_body);
    for (bool ok :
         {read(parse_instance_request), read(parse_list_request), read(parse_service_list_request),
          read(parse_fuzzy_watch_request), read(parse_setup_request), read(parse_client_answer)})
      fuzz::require(readable || !ok, "fields of a body that is no object");
  }

  grpc_environment env_;
  rpc_handlers handlers_;
  std::array<client_slot, 4> clients_;
  std::size_t opened_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto& host = *new fuzz::virtual_system; // never ends: exit must not wait for anything
  static auto log = spdlog::create<spdlog::sinks::null_sink_mt>("none");
  spdlog::set_default_logger(log);
  auto text = fuzz::text_of(data, size);
  fuzzed_node node(host);
  for (std::size_t i = 0; i < steps_max && !text.empty(); ++i)
    node.serve(fuzz::take_until(text, "\n---\n"));
  node.end_all();
  return 0;
}
