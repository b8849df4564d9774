#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <grpcpp/grpcpp.h>

#include "actors/node/node.hpp"
#include "grpc/sdk/sdk_server.hpp"
#include "grpc/services.grpc.pb.h"
#include "protocol/json_reader.hpp"
#include "tests/kit/deterministic.hpp"

namespace nacre::test {

using namespace std::chrono_literals;

/// A node with real threads and the SDK port on loopback.
class live_node {
public:
  explicit live_node(options opts = warm())
    : context(std::make_shared<node_context>(std::move(opts), 2)), system(config()) {
    context->disk = std::make_shared<memory_disk>();
    spawn_node(system, context);
    caf::scoped_actor self(system);
    self->request(context->actors.node.get(), 30s, status_request{})
      .receive([](const actor_status&) {}, [](const caf::error&) { FAIL("the node starts"); });
    while (!context->shows_agreed_state)
      std::this_thread::sleep_for(1ms);
    api_environment api{context, [this] { return ready.load(); }, "127.0.0.1"};
    api.run_aside = [this](const std::string&, const std::function<void()>& read) {
      ++reads_aside;
      if (has_room_aside)
        read();
      return has_room_aside ? outcome{} : outcome{ec::unavailable, "no room aside"};
    };
    io.start();
    server = std::make_unique<sdk_server>(io, system, api, "127.0.0.1", 0);
  }

  ~live_node() {
    server.reset();
    caf::anon_send_exit(context->actors.node.get(), caf::exit_reason::user_shutdown);
    system.await_all_actors_done();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }

  node_context_ptr context;
  std::atomic<bool> ready{true};
  /// Reads that take long, and whether one more may wait.
  std::atomic<int> reads_aside{0};
  std::atomic<bool> has_room_aside{true};
  caf::actor_system_config cfg;
  caf::actor_system system;
  io_threads io{2};
  std::unique_ptr<sdk_server> server;

private:
  caf::actor_system_config& config() {
    cfg.set("scheduler.policy", caf::atom("sharing"));
    cfg.set("scheduler.max-threads", 2);
    return cfg;
  }
};

struct remote_message {
  std::string type;
  std::string body;
};

/// A client of one TCP connection as an SDK has it: unary calls, and a stream whose messages wait
/// in a queue.
class sdk_client {
public:
  explicit sdk_client(const std::string& address,
                      const std::shared_ptr<grpc::ChannelCredentials>& credentials =
                        grpc::InsecureChannelCredentials()) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1); // a connection of its own
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(address, credentials, arguments);
    requests_ = Request::NewStub(channel_);
    streams_ = BiRequestStream::NewStub(channel_);
  }

  ~sdk_client() { disconnect(); }

  /// The answer; its type is empty if the call itself failed, then `status` tells.
  remote_message call(const std::string& type, const std::string& body) {
    return call(payload(type, body));
  }

  remote_message call(const wire::Payload& in) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 10s);
    wire::Payload out;
    status = requests_->request(&context, in, &out);
    return {out.metadata().type(), out.body().value()};
  }

  void open_stream() {
    stream_ = streams_->requestBiStream(&stream_context_);
    reader_ = std::thread([this] {
      wire::Payload in;
      while (stream_->Read(&in)) {
        std::lock_guard guard(lock_);
        received_.push_back({in.metadata().type(), in.body().value()});
        arrived_.notify_all();
      }
      std::lock_guard guard(lock_);
      ended_ = true;
      arrived_.notify_all();
    });
  }

  void write(const std::string& type, const std::string& body) {
    if (!stream_)
      open_stream();
    stream_->Write(payload(type, body));
  }

  /// This side of the stream has nothing more to say.
  void close_half() { stream_->WritesDone(); }

  /// Another stream on the same TCP connection; it lives as long as its context.
  std::unique_ptr<grpc::ClientReaderWriter<wire::Payload, wire::Payload>>
  another_stream(grpc::ClientContext& context) {
    return streams_->requestBiStream(&context);
  }

  static wire::Payload payload(const std::string& type, const std::string& body) {
    wire::Payload x;
    fill_payload(x, type, body);
    x.mutable_metadata()->set_clientip("127.0.0.1");
    return x;
  }

  /// ServerCheck and setup as a 2.x SDK does them; abilities as JSON, `null` for none.
  void connect(const std::string& module = "naming", const std::string& abilities = "null") {
    call("ServerCheckRequest", "{}");
    write("ConnectionSetupRequest",
          R"({"clientVersion":"Nacos-Test:v1","labels":{"source":"sdk","module":")" + module
            + R"("},"abilityTable":)" + abilities + "}");
  }

  /// The next message of the stream; nothing if none comes in time.
  std::optional<remote_message> next(std::chrono::milliseconds patience = 5s) {
    std::unique_lock guard(lock_);
    arrived_.wait_for(guard, patience, [this] { return !received_.empty() || ended_; });
    if (received_.empty())
      return std::nullopt;
    auto message = std::move(received_.front());
    received_.pop_front();
    return message;
  }

  /// Whether the server or the client ended the stream within `patience`.
  bool ended(std::chrono::milliseconds patience = 5s) {
    std::unique_lock guard(lock_);
    return arrived_.wait_for(guard, patience, [this] { return ended_; });
  }

  /// Cancels the stream unless it has ended, and keeps its status.
  void disconnect() {
    if (stream_ && !ended(0ms))
      stream_context_.TryCancel();
    if (reader_.joinable())
      reader_.join();
    if (stream_)
      stream_status = stream_->Finish();
    stream_.reset();
  }

  grpc::Status status;
  grpc::Status stream_status;

private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Request::Stub> requests_;
  std::unique_ptr<BiRequestStream::Stub> streams_;
  grpc::ClientContext stream_context_;
  std::unique_ptr<grpc::ClientReaderWriter<wire::Payload, wire::Payload>> stream_;
  std::thread reader_;
  std::mutex lock_;
  std::condition_variable arrived_;
  std::deque<remote_message> received_;
  bool ended_ = false;
};

} // namespace nacre::test
