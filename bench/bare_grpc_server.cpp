// The yardstick of gRPC: the plainest grpc++ callback server for the same two methods. What it
// reaches is what the library costs; how far nacre stays behind it is what the registry costs.

#include "bench/failure.hpp"
#include "bench/program.hpp"
#include "grpc/services.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <csignal>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <sstream>
#include <string>

namespace nacre::bench {

namespace {

constexpr auto help = R"(bare_grpc_server: answers every gRPC call with a body of a fixed size
  --port P            port on 127.0.0.1, 0 = any free one, which is printed (default 0)
  --size N            size of the body in bytes of kinds that have none of their own (default 75)
  --register-size N   size of the answer to InstanceRequest (default 75)
  --query-size N      size of the answer to ServiceQueryRequest (default 3600)
A load generator may set a size by a call of type AnswerSizeRequest with a body "KIND SIZE", and has
a body sent to all streams by PushRequest.
)";

constexpr std::size_t size_max = 4 * 1024 * 1024 - 1024;

void fill(wire::Payload& payload, const std::string& type, const std::string& body) {
  payload.mutable_metadata()->set_type(type);
  payload.mutable_body()->set_value(body);
}

class stream_service;

/// One client's stream: reads and forgets, writes what is pushed.
class stream final : public grpc::ServerBidiReactor<wire::Payload, wire::Payload> {
public:
  explicit stream(stream_service& owner) : owner_(owner) {
    StartSendInitialMetadata();
    StartRead(&incoming_);
  }

  void push(const std::string& body) {
    const std::lock_guard guard(lock_);
    fill(outgoing_.emplace_back(), "NotifySubscriberRequest", body);
    if (outgoing_.size() == 1 && !over_)
      StartWrite(&outgoing_.front());
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      StartRead(&incoming_);
      return;
    }
    const std::lock_guard guard(lock_);
    over_ = true;
    Finish(grpc::Status::OK);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard guard(lock_);
    outgoing_.pop_front();
    if (ok && !over_ && !outgoing_.empty())
      StartWrite(&outgoing_.front());
  }

  void OnDone() override;

private:
  stream_service& owner_;
  wire::Payload incoming_;
  std::mutex lock_;
  std::deque<wire::Payload> outgoing_;
  bool over_ = false;
};

class stream_service final : public BiRequestStream::CallbackService {
public:
  grpc::ServerBidiReactor<wire::Payload, wire::Payload>*
  requestBiStream(grpc::CallbackServerContext*) override {
    auto* opened = new stream(*this);
    const std::lock_guard guard(lock_);
    streams_.insert(opened);
    return opened;
  }

  void remove(stream* ended) {
    const std::lock_guard guard(lock_);
    streams_.erase(ended);
  }

  void push(const std::string& body) {
    const std::lock_guard guard(lock_);
    for (auto* one : streams_)
      one->push(body);
  }

private:
  std::mutex lock_;
  std::set<stream*> streams_;
};

void stream::OnDone() {
  owner_.remove(this);
  delete this;
}

class request_service final : public Request::CallbackService {
public:
  request_service(stream_service& streams, std::size_t preset,
                  std::map<std::string, std::size_t> sizes)
    : streams_(streams), preset_(preset, 'x') {
    for (const auto& [type, size] : sizes)
      bodies_[type].assign(size, 'x');
  }

  grpc::ServerUnaryReactor* request(grpc::CallbackServerContext* call, const wire::Payload* in,
                                    wire::Payload* out) override {
    const auto& type = in->metadata().type();
    if (type == "AnswerSizeRequest")
      set_size(in->body().value());
    else if (type == "PushRequest")
      streams_.push(in->body().value());
    auto answer_type = type.substr(0, type.rfind("Request"));
    const std::shared_lock guard(lock_);
    const auto i = bodies_.find(type);
    fill(*out, answer_type == "ServiceQuery" ? "QueryServiceResponse" : answer_type + "Response",
         i == bodies_.end() ? preset_ : i->second);
    auto* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

private:
  void set_size(const std::string& text) {
    std::istringstream words(text);
    std::string type;
    std::size_t size = 0;
    if (!(words >> type >> size) || size > size_max)
      return;
    const std::lock_guard guard(lock_);
    bodies_[type].assign(size, 'x');
  }

  stream_service& streams_;
  std::shared_mutex lock_;
  std::string preset_;
  std::map<std::string, std::string> bodies_;
};

int run(const arguments& args) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // Before any thread starts, so that all inherit it.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  stream_service streams;
  request_service requests(streams, args.whole("size", 75, 0, size_max),
                           {{"InstanceRequest", args.whole("register-size", 75, 0, size_max)},
                            {"ServiceQueryRequest", args.whole("query-size", 3'600, 0, size_max)}});
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(args.whole("port", 0, 0, 65'535)),
                           grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&requests);
  builder.RegisterService(&streams);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  const auto server = builder.BuildAndStart();
  if (!server || port == 0)
    throw failure("cannot listen");
  // Read by the scripts that start this server on a free port.
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  server->Wait();
  return EXIT_SUCCESS;
}

} // namespace

} // namespace nacre::bench

int main(int argc, char** argv) {
  using namespace nacre::bench;
  return run_program("bare_grpc_server", help, argc, argv,
                     {"port", "size", "register-size", "query-size"}, run);
}
