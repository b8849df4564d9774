// What no SDK sends, or not so: every call gets an answer of the right type, and nothing it does
// touches other connections or outlives its own.
#include <future>

#include "grpc/sdk/rpc_call.hpp"
#include "tests/kit/sdk_client.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

const std::string health = "HealthCheckRequest";

std::string instance_body(const std::string& service, const std::string& ip,
                          const std::string& type = "registerInstance") {
  return R"({"serviceName":")" + service + R"(","type":")" + type + R"(","instance":{"ip":")" + ip
         + R"(","port":80}})";
}

struct codes {
  int result = 0;
  int error = 0;
  bool success = false;
  std::string message;
};

/// The envelope of an answer, which has to be complete.
codes codes_of(const remote_message& x) {
  CAPTURE(x.type);
  CAPTURE(x.body.substr(0, 300));
  json_document document(x.body);
  REQUIRE(document.error().empty());
  auto root = document.root();
  REQUIRE(root["resultCode"].number());
  REQUIRE(root["errorCode"].number());
  REQUIRE(root["success"].boolean());
  return {static_cast<int>(*root["resultCode"].number()),
          static_cast<int>(*root["errorCode"].number()), *root["success"].boolean(),
          std::string(root["message"].string().value_or(""))};
}

void check_error(const remote_message& x, int result, int error) {
  CAPTURE(x.body.substr(0, 300));
  CHECK(x.type == "ErrorResponse");
  auto seen = codes_of(x);
  CHECK(seen.result == result);
  CHECK(seen.error == error);
  CHECK(!seen.success);
  CHECK(!seen.message.empty());
}

void check_success(const remote_message& x, const std::string& type) {
  CAPTURE(x.body.substr(0, 300));
  CHECK(x.type == type);
  CHECK(codes_of(x).success);
}

/// Calls until the setup, which has no answer, has been taken.
void connect_fully(sdk_client& client) {
  client.connect();
  check_success(client.call(health, "{}"), "HealthCheckResponse");
}

std::size_t hosts_of(sdk_client& client, const std::string& service) {
  auto answer = client.call("ServiceQueryRequest", R"({"serviceName":")" + service + "\"}");
  check_success(answer, "QueryServiceResponse");
  json_document document(answer.body);
  return document.root()["serviceInfo"]["hosts"].elements().size();
}

template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds patience = 5s) {
  auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

const std::vector<std::string> handled{
  "InstanceRequest",          "BatchInstanceRequest", "PersistentInstanceRequest",
  "ServiceQueryRequest",      "ServiceListRequest",   "SubscribeServiceRequest",
  "NamingFuzzyWatchRequest",  "HealthCheckRequest",   "ConfigQueryRequest",
  "ConfigBatchListenRequest", "ConfigPublishRequest", "ConfigRemoveRequest",
};

/// A client with one instance in `mine`, which has to be there at the end of the test as well.
class attacked_node : public live_node {
public:
  explicit attacked_node(options opts = {}) : live_node(std::move(opts)), bystander(address()) {
    connect_fully(bystander);
    check_success(bystander.call("InstanceRequest", instance_body("mine", "10.0.0.1")),
                  "InstanceResponse");
  }

  ~attacked_node() {
    CHECK(hosts_of(bystander, "mine") == 1);
    bystander.disconnect();
    CHECK(eventually([&] { return context->counters.instances == 0; }));
    CHECK(eventually([&] { return context->tables.connections.size() == 0; }));
  }

  sdk_client bystander;
};

} // namespace

// -- bodies and envelopes ------------------------------------------------------------------------

TEST_CASE("a body that is no JSON object is an ErrorResponse 502, whatever the type") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  const std::string bodies[] = {
    "",
    " ",
    "nul",
    "null",
    "[]",
    "1",
    "\"x\"",
    "{",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":NaN}",
    "{}{}",
    "{'a':1}",
    std::string("{}\0", 3),
    "{\"a\":\"\xff\xfe\"}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":1e999}",
    std::string(100'000, '['),
    "{\"a\":" + std::string(500, '[') + "}",
    std::string("\x1f\x8b\x08\x00", 4),
  };
  for (auto& type : handled)
    for (auto& body : bodies) {
      CAPTURE(type);
      CAPTURE(body.substr(0, 40));
      check_error(client.call(type, body), 500, 502);
    }
}

TEST_CASE("a field of a wrong type is an ErrorResponse 502, one that can be read is read") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  for (auto text :
       {R"("serviceName":{})", R"("groupName":[])", R"("namespace":[1])", R"("type":{})",
        R"("instance":[])", R"("instance":"x")", R"("instance":{"port":"x"})",
        R"("instance":{"port":99999999999})", R"("instance":{"ip":{}})",
        R"("instance":{"weight":"heavy"})", R"("instance":{"healthy":"perhaps"})",
        R"("instance":{"metadata":[]})", R"("instance":{"metadata":{"a":{}}})", R"("instances":{})",
        R"("instances":[1])", R"("instances":[{"port":[]}])"}) {
    CAPTURE(text);
    auto body = std::string("{") + text + "}";
    for (auto type : {"InstanceRequest", "PersistentInstanceRequest", "BatchInstanceRequest"})
      check_error(client.call(type, body), 500, 502);
  }
  check_error(client.call("ServiceListRequest", R"({"pageNo":"one"})"), 500, 502);
  check_error(client.call("ServiceListRequest", R"({"pageSize":-1})"), 500, 500);
  check_error(client.call("SubscribeServiceRequest", R"({"subscribe":{}})"), 500, 502);
  check_error(client.call("NamingFuzzyWatchRequest", R"({"receivedGroupKeys":[[]]})"), 500, 502);
  check_success(client.call("InstanceRequest", R"({"serviceName":1,"type":"registerInstance",
    "instance":{"ip":"1.1.1.1","port":"8081.7","weight":null,"healthy":"true","x":[{}],
    "metadata":{"a":1,"b":true,"c":null}}})"),
                "InstanceResponse");
  CHECK(hosts_of(client, "1") == 1);
}

TEST_CASE("what a request asks for wrongly is refused as the reference refuses it") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  check_error(client.call("InstanceRequest", "{}"), 500, 500);
  check_error(client.call("InstanceRequest", R"({"serviceName":"s"})"), 400, 400);
  check_error(client.call("InstanceRequest", R"({"serviceName":"s","type":"x"})"), 400, 400);
  check_error(client.call("InstanceRequest", R"({"serviceName":"s","type":"registerInstance"})"),
              400, 400);
  check_error(
    client.call("BatchInstanceRequest", R"({"serviceName":"s","type":"batchRegisterInstance"})"),
    500, 500);
  for (auto& body : {instance_body("s", "not an ip"), instance_body("a@@b", "1.1.1.1"),
                     instance_body(std::string(600, 's'), "1.1.1.1"),
                     instance_body("s", std::string(200, '1'))}) {
    auto answer = client.call("InstanceRequest", body);
    CHECK(answer.type == "InstanceResponse");
    CHECK(codes_of(answer).result == 500);
    CHECK(codes_of(answer).error == 400);
  }
  for (auto pattern : {"", "*", "a>>b", ">>>>", "public>>a*b>>*", "public>>*>>**"}) {
    CAPTURE(pattern);
    auto answer = client.call("NamingFuzzyWatchRequest", R"({"watchType":"WATCH",)"
                                                         R"("groupKeyPattern":")"
                                                           + std::string(pattern) + "\"}");
    CHECK(answer.type == "NamingFuzzyWatchResponse");
    codes_of(answer);
  }
  CHECK(node.context->counters.instances == 1); // the bystander's
}

TEST_CASE(
  "a type nobody handles is 302 and one of other nodes 502, also without body or metadata") {
  attacked_node node;
  sdk_client stranger(node.address());
  sdk_client client(node.address());
  connect_fully(client);
  for (auto* from : {&stranger, &client}) {
    for (auto& type :
         {std::string(), std::string("instancerequest"), std::string("PushAckRequest"),
          std::string("InstanceResponse"), std::string("ConnectionSetupRequest"),
          std::string("LockOperationRequest"), std::string("\0", 1), std::string(100'000, 'x')})
      check_error(from->call(type, "{}"), 500, 302);
    for (auto type : {"ServerLoaderInfoRequest", "ServerReloadRequest", "DistroDataRequest",
                      "MemberReportRequest", "ConfigChangeClusterSyncRequest"})
      check_error(from->call(type, "{}"), 500, 502);
    check_error(from->call(wire::Payload()), 500, 302);
    wire::Payload without_metadata;
    without_metadata.mutable_body()->set_value("{}");
    check_error(from->call(without_metadata), 500, 302);
  }
  wire::Payload without_body;
  without_body.mutable_metadata()->set_type("InstanceRequest");
  check_error(client.call(without_body), 500, 502);
  check_error(stranger.call(without_body), 500, 301);
  auto crowded = sdk_client::payload(health, "{}");
  for (int i = 0; i < 10'000; ++i)
    (*crowded.mutable_metadata()->mutable_headers())["header" + std::to_string(i)] = "x";
  check_success(client.call(crowded), "HealthCheckResponse");
}

// -- sizes ---------------------------------------------------------------------------------------

namespace {

std::string batch_of(std::size_t count, const std::string& service) {
  std::string body =
    R"({"serviceName":")" + service + R"(","type":"batchRegisterInstance",)" + R"("instances":[)";
  for (std::size_t i = 0; i < count; ++i)
    body += (i ? R"(,{"ip":"10.)" : R"({"ip":"10.)") + std::to_string(i >> 16) + '.'
            + std::to_string(i >> 8 & 255) + '.' + std::to_string(i & 255) + R"(","port":80})";
  return body + "]}";
}

} // namespace

TEST_CASE("a batch beyond the limit is refused as a whole and typed, one of 100,000 is taken") {
  for (std::size_t limit : {1'000, 1'000'000}) {
    options opts;
    opts.limits.instances_max = limit;
    attacked_node node(opts);
    sdk_client client(node.address());
    connect_fully(client);
    auto answer = client.call("BatchInstanceRequest", batch_of(100'000, "huge"));
    CHECK(answer.type == "BatchInstanceResponse");
    bool fits = limit > 100'000;
    CHECK(codes_of(answer).success == fits);
    CHECK(codes_of(answer).error == (fits ? 0 : 503));
    CHECK(node.context->counters.instances == (fits ? 100'001 : 1));
    CHECK(hosts_of(node.bystander, "mine") == 1);
    check_success(client.call("BatchInstanceRequest", batch_of(2, "huge")),
                  "BatchInstanceResponse");
    CHECK(hosts_of(client, "huge") == 2);
  }
}

TEST_CASE("a batch of a hundred thousand and one is an ErrorResponse 502, as what can't be read") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  check_error(client.call("BatchInstanceRequest", batch_of(100'001, "huge")), 500, 502);
  CHECK(hosts_of(client, "huge") == 0);
}

TEST_CASE("an id that a client chose is refused typed beyond 1,024 characters") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  for (std::size_t length : {1'025, 1'000'000, 1'024}) {
    CAPTURE(length);
    bool fits = length == 1'024;
    auto instance =
      R"({"ip":"1.1.1.1","port":80,"instanceId":")" + std::string(length, 'i') + "\"}";
    auto of = [&](const std::string& service, const std::string& type, const std::string& what) {
      return R"({"serviceName":")" + service + R"(","type":")" + type + "\"," + what + "}";
    };
    auto single =
      client.call("InstanceRequest", of("s", "registerInstance", "\"instance\":" + instance));
    CHECK(single.type == "InstanceResponse");
    CHECK(codes_of(single).error == (fits ? 0 : 400));
    auto batch = client.call("BatchInstanceRequest",
                             of("b", "batchRegisterInstance", "\"instances\":[" + instance + "]"));
    CHECK(batch.type == "BatchInstanceResponse");
    CHECK(codes_of(batch).error == (fits ? 0 : 400));
    CHECK(hosts_of(client, "s") == (fits ? 1 : 0));
    CHECK(hosts_of(client, "b") == (fits ? 1 : 0));
  }
}

TEST_CASE("services beyond the limit are refused typed") {
  options opts;
  opts.limits.services_max = 3;
  attacked_node node(opts);
  sdk_client client(node.address());
  connect_fully(client);
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    auto answer = client.call("InstanceRequest", instance_body("s" + std::to_string(i), "1.1.1.1"));
    CHECK(answer.type == "InstanceResponse");
    refused += codes_of(answer).error == 503 ? 1 : 0;
  }
  CHECK(refused == 3);
  auto answer = client.call("SubscribeServiceRequest", R"({"serviceName":"n","subscribe":true})");
  CHECK(answer.type == "SubscribeServiceResponse");
  CHECK(codes_of(answer).error == 503);
}

TEST_CASE("a message of 11 MiB fails its own call only; one of 9 MiB is read") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  check_success(client.call("InstanceRequest", instance_body("s", "1.1.1.1")), "InstanceResponse");
  auto padded = [](std::size_t mib) { return "{\"x\":\"" + std::string(mib << 20, 'x') + "\"}"; };
  for (int i = 0; i < 3; ++i) {
    CHECK(client.call(health, padded(11)).type.empty());
    CHECK(client.status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    check_success(client.call(health, padded(9)), "HealthCheckResponse");
  }
  CHECK(!client.ended(0ms));
  CHECK(hosts_of(client, "s") == 1);
  // On the stream there is no call to fail: it ends, and with it what the connection published.
  client.write("NotifySubscriberResponse", padded(11));
  CHECK(client.ended());
  CHECK(eventually([&] { return hosts_of(node.bystander, "s") == 0; }));
}

// -- setup ---------------------------------------------------------------------------------------

TEST_CASE("requests without a setup are 301 after the patience, a health check fails") {
  attacked_node node;
  sdk_client stranger(node.address());
  check_error(stranger.call("InstanceRequest", instance_body("s", "1.1.1.1")), 500, 301);
  CHECK(stranger.call(health, "{}").type.empty());
  CHECK(stranger.status.error_code() == grpc::StatusCode::UNAVAILABLE);

  check_success(stranger.call("ServerCheckRequest", "not even read"), "ServerCheckResponse");
  auto began = std::chrono::steady_clock::now();
  check_error(stranger.call("InstanceRequest", instance_body("s", "1.1.1.1")), 500, 301);
  auto took = std::chrono::steady_clock::now() - began;
  CHECK(took >= 450ms);
  CHECK(took < 2s);
}

TEST_CASE("a request that overtakes its setup waits for it") {
  attacked_node node;
  sdk_client client(node.address());
  client.call("ServerCheckRequest", "{}");
  client.open_stream();
  std::vector<std::future<remote_message>> early;
  for (int i = 0; i < 20; ++i)
    early.push_back(std::async(std::launch::async, [&client, i] {
      return client.call("InstanceRequest", instance_body("s" + std::to_string(i), "1.1.1.1"));
    }));
  std::this_thread::sleep_for(100ms);
  client.write("ConnectionSetupRequest", "not a setup");
  client.write("ConnectionSetupRequest", R"({"labels":{"module":"naming"}})");
  for (auto& x : early)
    check_success(x.get(), "InstanceResponse");
}

TEST_CASE("a node that starts answers 300 and takes no connection") {
  live_node node;
  node.ready = false;
  sdk_client client(node.address());
  check_error(client.call("ServerCheckRequest", "{}"), 500, 300);
  check_error(client.call(health, "{}"), 500, 300);
  client.connect();
  CHECK(client.ended());
  CHECK(node.context->tables.connections.size() == 0);
}

TEST_CASE("a second setup changes nothing, on the same stream or on another one") {
  attacked_node node;
  sdk_client client(node.address());
  client.connect("naming", "{}");
  CHECK(client.next()->type == "SetupAckRequest");
  check_success(client.call("InstanceRequest", instance_body("s", "1.1.1.1")), "InstanceResponse");
  for (int i = 0; i < 100; ++i)
    client.write("ConnectionSetupRequest",
                 R"({"labels":{"module":"naming"},"abilityTable":{"fuzzyWatch":true}})");
  for (int i = 0; i < 100; ++i)
    CHECK(client.next()->type == "SetupAckRequest");
  {
    grpc::ClientContext context;
    auto other = client.another_stream(context);
    other->Write(sdk_client::payload("ConnectionSetupRequest", R"({"abilityTable":{}})"));
    wire::Payload ack;
    REQUIRE(other->Read(&ack));
    CHECK(ack.metadata().type() == "SetupAckRequest");
    CHECK(node.context->tables.connections.size() == 2);
    check_success(client.call("SubscribeServiceRequest", R"({"serviceName":"s","subscribe":true})"),
                  "SubscribeServiceResponse");
    CHECK(client.next()->type == "NotifySubscriberRequest");
    other->WritesDone();
    CHECK(!other->Read(&ack));
    CHECK(other->Finish().ok());
  }
  CHECK(hosts_of(client, "s") == 1);
  CHECK(!client.ended(0ms));
}

TEST_CASE("the connection goes on with the younger stream when the older one has ended") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  check_success(client.call("InstanceRequest", instance_body("s", "1.1.1.1")), "InstanceResponse");
  grpc::ClientContext context;
  auto other = client.another_stream(context);
  other->Write(sdk_client::payload("ConnectionSetupRequest",
                                   R"({"labels":{"module":"naming"},"abilityTable":{}})"));
  wire::Payload in;
  REQUIRE(other->Read(&in));
  client.close_half();
  CHECK(client.ended());
  CHECK(hosts_of(client, "s") == 1);
  check_success(client.call("SubscribeServiceRequest", R"({"serviceName":"s","subscribe":true})"),
                "SubscribeServiceResponse");
  REQUIRE(other->Read(&in));
  CHECK(in.metadata().type() == "NotifySubscriberRequest");
  context.TryCancel();
  other->Finish();
  CHECK(eventually([&] { return hosts_of(node.bystander, "s") == 0; }));
}

TEST_CASE("bad setups and their labels are dropped or cut, a good one may follow") {
  attacked_node node;
  sdk_client client(node.address());
  client.call("ServerCheckRequest", "{}");
  for (auto body : {"", "[]", "null", R"({"labels":[]})", R"({"labels":{"a":{}}})",
                    R"({"abilityTable":{"fuzzyWatch":"maybe"}})", R"({"clientVersion":[]})"})
    client.write("ConnectionSetupRequest", body);
  check_error(client.call("ServiceListRequest", "{}"), 500, 301);
  std::string labels;
  for (int i = 0; i < 5'000; ++i)
    labels += "\"l" + std::to_string(i) + "\":\"" + std::string(500, 'x') + "\",";
  client.write("ConnectionSetupRequest", R"({"clientVersion":")" + std::string(100'000, 'v')
                                           + R"(","labels":{)" + labels + R"("module":"naming"}})");
  check_success(client.call(health, "{}"), "HealthCheckResponse");
  for (auto& x : node.context->tables.connections.all()) {
    CHECK(x->info.client_version.size() <= 300);
    CHECK(x->info.labels.size() <= 40);
  }
}

TEST_CASE("names of very many services are listed aside, or refused when too much waits there") {
  live_node node;
  instance one;
  one.ip = "1.1.1.1";
  one.port = 80;
  for (int i = 0; i <= 5'000; ++i)
    naming::register_instance(
      *node.context, make_service_ref({default_namespace, default_group, "s" + std::to_string(i)}),
      one, {change_reason::request}, nullptr);
  REQUIRE(eventually([&] { return node.context->tables.directory.listed() == 5'001; }));
  sdk_client client(node.address());
  client.connect();
  REQUIRE(eventually([&] { return client.call(health, "{}").type == "HealthCheckResponse"; }));
  auto ask = [&](int size) {
    return client.call("ServiceListRequest",
                       R"({"pageNo":1,"pageSize":)" + std::to_string(size) + "}");
  };
  check_success(ask(5'000), "ServiceListResponse");
  CHECK(node.reads_aside == 0);
  auto all = ask(2'147'483'647);
  check_success(all, "ServiceListResponse");
  CHECK(all.body.find("\"count\":5001") != all.body.npos);
  CHECK(all.body.find("\"s5000\"") != all.body.npos);
  CHECK(node.reads_aside == 1);
  node.has_room_aside = false;
  auto refused = ask(5'001);
  CHECK(refused.type == "ServiceListResponse");
  CHECK(refused.body.find("no room aside") != refused.body.npos);
}

TEST_CASE("texts of a setup that are logged can't begin a line of their own") {
  CHECK(loggable("Nacos-Java-Client:v2.5.1", 256) == "Nacos-Java-Client:v2.5.1");
  CHECK(loggable("a\r\nforged line\x1b[1m\x7f", 256) == "a  forged line [1m ");
  CHECK(loggable("\xff\xc3\xa9", 256) == "\xef\xbf\xbd\xc3\xa9");
  CHECK(loggable("abcdef", 3) == "abc…");
  live_node node;
  sdk_client client(node.address());
  auto setup =
    sdk_client::payload("ConnectionSetupRequest", R"({"clientVersion":"v1\n2026-01-01 forged"})");
  setup.mutable_metadata()->set_clientip("1.1.1.1\nforged" + std::string(300, 'x'));
  client.call("ServerCheckRequest", "{}");
  grpc::ClientContext context;
  auto stream = client.another_stream(context);
  stream->Write(setup);
  check_success(client.call(health, "{}"), "HealthCheckResponse");
  auto all = node.context->tables.connections.all();
  REQUIRE(all.size() == 1);
  CHECK(all.front()->info.client_version == "v1 2026-01-01 forged");
  CHECK(all.front()->info.client_ip == "1.1.1.1 forged" + std::string(50, 'x') + "…");
  context.TryCancel();
  stream->Finish();
}

// -- streams -------------------------------------------------------------------------------------

TEST_CASE("garbage on a stream is dropped") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  check_success(client.call("InstanceRequest", instance_body("s", "1.1.1.1")), "InstanceResponse");
  for (int i = 0; i < 20; ++i)
    for (auto type : {"", "x", "InstanceRequest", "NotifySubscriberResponse", "ErrorResponse",
                      "ClientDetectionResponse", "ServerCheckRequest", "Response"})
      for (auto body : {"", "{", "[]", "{}", R"({"requestId":"1"})", R"({"requestId":{}})",
                        R"({"requestId":"-1","resultCode":200})",
                        R"({"requestId":"99999999999999999999","resultCode":200})",
                        R"({"requestId":"7","resultCode":"200"})"})
        client.write(type, body);
  CHECK(hosts_of(client, "s") == 1);
  CHECK(!client.ended(0ms));
  CHECK(!client.next(0ms));
}

TEST_CASE("answers to what nobody asked reach no actor, an honest one still does") {
  attacked_node node;
  sdk_client client(node.address());
  connect_fully(client);
  auto& counters = node.context->counters;
  auto answer = [&](std::string_view id) {
    client.write("NotifySubscriberResponse",
                 R"({"resultCode":200,"requestId":")" + std::string(id) + "\"}");
  };
  for (int i = 0; i < 1'000; ++i)
    answer(std::to_string(1'000'000 + i));
  CHECK(eventually([&] { return counters.grpc_port.answers_unasked == 1'000; }));
  check_success(
    client.call("SubscribeServiceRequest", R"({"serviceName":"mine","subscribe":true})"),
    "SubscribeServiceResponse");
  auto push = client.next();
  REQUIRE(push);
  json_document document(push->body);
  auto id = document.root()["requestId"].string();
  REQUIRE(id);
  answer(*id);
  CHECK(eventually([&] { return counters.pushes_acked == 1; }));
  answer(*id);
  CHECK(eventually([&] { return counters.grpc_port.answers_unasked == 1'001; }));
  CHECK(counters.pushes_acked == 1);
}

TEST_CASE("whoever ends its stream takes its instances along at once") {
  attacked_node node;
  for (int way = 0; way < 3; ++way) {
    CAPTURE(way);
    auto client = std::make_unique<sdk_client>(node.address());
    connect_fully(*client);
    for (int i = 0; i < 50; ++i)
      check_success(
        client->call("InstanceRequest", instance_body("s" + std::to_string(i), "1.1.1.1")),
        "InstanceResponse");
    auto began = std::chrono::steady_clock::now();
    if (way == 0)
      client->close_half();
    else if (way == 1)
      client->disconnect();
    else
      client.reset();
    CHECK(eventually([&] { return node.context->counters.instances == 1; }, 2s));
    CHECK(std::chrono::steady_clock::now() - began < 2s);
    if (way == 0)
      CHECK(client->ended());
    if (way < 2) // the TCP connection is still there, but nobody is registered on it
      check_error(client->call("InstanceRequest", instance_body("s0", "1.1.1.1")), 500, 301);
  }
}

TEST_CASE("streams without a setup, opened and cancelled by the thousand, leave nothing") {
  attacked_node node;
  sdk_client client(node.address());
  for (int i = 0; i < 2'000; ++i) {
    grpc::ClientContext context;
    auto stream = client.another_stream(context);
    if (i % 3 == 0)
      stream->Write(sdk_client::payload("x", ""));
    if (i % 2 == 0)
      context.TryCancel();
    else
      stream->WritesDone();
    stream->Finish();
  }
  CHECK(node.context->tables.connections.size() == 1);
  connect_fully(client);
}

TEST_CASE("connections beyond the limits are refused, and admitted when others have gone") {
  for (bool in_all : {false, true}) {
    CAPTURE(in_all);
    options opts;
    (in_all ? opts.connections.connections_max : opts.connections.connections_per_ip_max) = 3;
    attacked_node node(opts);
    auto second = std::make_unique<sdk_client>(node.address());
    sdk_client third(node.address());
    connect_fully(*second);
    connect_fully(third);
    for (int i = 0; i < 20; ++i) {
      sdk_client fourth(node.address());
      fourth.connect();
      CHECK(fourth.ended());
      fourth.disconnect();
      CHECK(fourth.stream_status.error_code() == grpc::StatusCode::UNAVAILABLE);
      CHECK(node.context->tables.connections.size() == 3);
    }
    second.reset();
    CHECK(eventually([&] { return node.context->tables.connections.size() == 2; }));
    sdk_client fourth(node.address());
    connect_fully(fourth);
  }
}

TEST_CASE("a client that acknowledges nothing hears of changes as before, and delays nobody") {
  attacked_node node;
  sdk_client deaf(node.address());
  sdk_client writer(node.address());
  connect_fully(deaf);
  connect_fully(writer);
  for (auto* x : {&deaf, &node.bystander})
    check_success(x->call("SubscribeServiceRequest", R"({"serviceName":"s","subscribe":true})"),
                  "SubscribeServiceResponse");
  auto hears_of = [](sdk_client& x, const std::string& ip) {
    auto end = std::chrono::steady_clock::now() + 2s;
    while (auto message = x.next(2s)) {
      if (message->body.find('"' + ip + '"') != message->body.npos)
        return true;
      if (std::chrono::steady_clock::now() > end)
        break;
    }
    return false;
  };
  for (int i = 0; i < 5; ++i) {
    auto ip = "1.1.1." + std::to_string(i);
    check_success(writer.call("InstanceRequest", instance_body("s", ip)), "InstanceResponse");
    CHECK(hears_of(node.bystander, ip));
    CHECK(hears_of(deaf, ip));
  }
}

// -- answers -------------------------------------------------------------------------------------

TEST_CASE("an answer that fails when the actors have answered is an ErrorResponse 500") {
  struct kept_answer final : unary_answer {
    void deliver(rpc_reply reply) override { replies.push_back(std::move(reply)); }
    void deliver_failure(call_status) override { FAIL("the call itself goes on"); }
    std::vector<rpc_reply> replies;
  };
  grpc_environment nowhere;
  wire::Payload payload;
  for (bool dropped : {false, true}) {
    CAPTURE(dropped);
    auto answer = std::make_shared<kept_answer>();
    auto ticket =
      rpc_call(nowhere, nullptr, payload, answer).later([](const outcome&) -> rpc_reply {
        throw std::runtime_error("secret");
      });
    if (!dropped)
      ticket->complete({});
    ticket = nullptr;
    REQUIRE(answer->replies.size() == 1);
    auto& reply = answer->replies.front();
    check_error({std::string(reply.type), reply.body.str()}, 500, 500);
    CHECK(reply.body.str().find("secret") == std::string::npos);
  }
}
