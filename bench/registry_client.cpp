#include "bench/registry_client.hpp"

#include "bench/clock.hpp"
#include "bench/failure.hpp"

#include <sys/resource.h>

namespace nacre::bench {

namespace {

std::string naming_body(const fleet& all, std::size_t service, std::string_view more) {
  std::string result = R"({"headers":{},"namespace":"public","serviceName":")";
  result += all.service_name(service);
  result += R"(","groupName":"DEFAULT_GROUP",)";
  return result.append(more) + R"(,"module":"naming"})";
}

std::string request_id(const std::string& body) {
  constexpr std::string_view key = R"("requestId":")";
  const auto begin = body.find(key);
  if (begin == body.npos)
    throw failure("a request of the server without requestId: " + body.substr(0, 300));
  const auto end = body.find('"', begin + key.size());
  return body.substr(begin + key.size(), end - begin - key.size());
}

std::string setup() {
  return envelope(
    "ConnectionSetupRequest",
    R"({"headers":{},"clientVersion":"Nacos-Java-Client:v2.5.1","labels":{"source":"sdk",)"
    R"("module":"naming","AppName":"bench"},"abilityTable":{},"module":"internal"})");
}

} // namespace

std::string envelope(std::string_view type, std::string body) {
  wire::Payload payload;
  payload.mutable_metadata()->set_type(type.data(), type.size());
  payload.mutable_metadata()->set_clientip("127.0.0.1");
  payload.mutable_body()->set_value(std::move(body));
  return payload.SerializeAsString();
}

registration::registration(const fleet& all, std::size_t service, std::string_view ip)
  : bytes_(envelope(
    "InstanceRequest",
    naming_body(all, service,
                R"("type":"registerInstance","instance":{"ip":")" + std::string(ip)
                  + R"(","port":8080,"weight":1000.0,"healthy":true,"enabled":true,)"
                    R"("ephemeral":true,"clusterName":"DEFAULT","metadata":{"v":"00000000"},)"
                    R"("instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,)"
                    R"("ipDeleteTimeout":30000,"instanceIdGenerator":"simple"})"))),
    weight_at_(bytes_.find("1000.0,")),
    metadata_at_(bytes_.find("00000000\"}")) {}

const std::string& registration::with(std::uint32_t number) {
  bytes_.replace(weight_at_, 4, weight_of(number));
  for (auto i = metadata_at_ + 8; i-- > metadata_at_; number /= 10)
    bytes_[i] = static_cast<char>('0' + number % 10);
  return bytes_;
}

std::string weight_of(std::uint32_t number) {
  // Four digits whatever the number; a prime, so that passes over many instances change each.
  return std::to_string(1'000 + number % 8'999);
}

std::string remote_query(const fleet& all, std::size_t service) {
  return envelope("ServiceQueryRequest",
                  naming_body(all, service, R"("cluster":"","healthyOnly":false,"udpPort":0)"));
}

std::string remote_subscription(const fleet& all, std::size_t service) {
  return envelope("SubscribeServiceRequest",
                  naming_body(all, service, R"("subscribe":true,"clusters":"")"));
}

registry_client::registry_client(poller& loop, const boost::asio::ip::tcp::endpoint& address,
                                 bool sets_up)
  : loop_(loop), wire_(loop, address, *this) {
  if (!sets_up)
    return;
  static const auto check = envelope("ServerCheckRequest", R"({"headers":{},"module":"internal"})");
  static const auto health =
    envelope("HealthCheckRequest", R"({"headers":{},"module":"internal"})");
  static const auto hello = setup();
  if (ask(check).type != "ServerCheckResponse")
    throw failure("no ServerCheckResponse: " + answer_.body().value());
  wire_.send(hello);
  // As the Rust client finds out that its setup was taken; others just wait.
  for (int tries = 0; ask(health).type != "HealthCheckResponse"; ++tries) {
    if (tries == 100)
      throw failure("the setup of a connection is not taken: " + answer_.body().value());
    loop_.run_for(0.02);
  }
}

remote_message registry_client::ask(std::string_view request) {
  asked_ = true;
  wire_.call(request);
  if (!loop_.run([this] { return !asked_; }, now_ns() + patience_ns))
    throw failure("no answer for 10 s");
  return {answer_.metadata().type(), answer_.body().value()};
}

void registry_client::expect(std::string_view request, std::string_view type) {
  require_success(ask(request), type);
}

void registry_client::on_answer(std::size_t tag, std::string_view message) {
  if (!answer_.ParseFromArray(message.data(), static_cast<int>(message.size())))
    throw failure("an answer that is no Payload");
  if (asked_)
    asked_ = false;
  else if (answered)
    answered(tag, {answer_.metadata().type(), answer_.body().value()});
}

void registry_client::on_message(std::string_view message) {
  wire::Payload request;
  if (!request.ParseFromArray(message.data(), static_cast<int>(message.size())))
    throw failure("a pushed message that is no Payload");
  const auto& type = request.metadata().type();
  const auto& body = request.body().value();
  if (type == "SetupAckRequest")
    return;
  if (type != "NotifySubscriberRequest" && type != "ClientDetectionRequest")
    throw failure("a request nobody expects: " + type);
  auto answer_type = type;
  answer_type.replace(type.size() - 7, 7, "Response");
  if (type == "NotifySubscriberRequest" && pushed)
    pushed({type, body});
  wire_.send(envelope(answer_type, R"({"resultCode":200,"errorCode":0,"success":true,)"
                                   R"("requestId":")"
                                     + request_id(body) + "\"}"));
}

registry_clients open_clients(poller& loop, const boost::asio::ip::tcp::endpoint& address,
                              std::size_t count, bool sets_up) {
  registry_clients result;
  result.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(std::make_unique<registry_client>(loop, address, sets_up));
  return result;
}

void allow_sockets(std::size_t count) {
  constexpr std::size_t others = 64;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < count + others)
    throw failure("this process may have " + std::to_string(limit.rlim_cur)
                  + " open files only; raise ulimit -Hn");
}

void require_success(const remote_message& message, std::string_view type) {
  if (message.type != type || message.body.find(R"("resultCode":200)") == message.body.npos)
    throw failure("wrong answer: no " + std::string(type) + " with code 200 but "
                  + std::string(message.type) + ' ' + message.body.substr(0, 300));
}

} // namespace nacre::bench
