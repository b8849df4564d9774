#include "http/server/router.hpp"

#include "actors/naming/service_table.hpp"
#include "protocol/json_reader.hpp"
#include "tests/kit/deterministic.hpp"
#include "tests/kit/request_of.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/spdlog.h>

using namespace nacre;
using namespace nacre::test;
using nacre::test::request_of;

namespace {

/// Counts what is answered later; nothing in here should be.
struct counting_sink final : reply_sink {
  void post(reply) override { ++posted; }
  int posted = 0;
};

struct keeping_sink final : reply_sink {
  void post(reply x) override { kept.push_back(std::move(x)); }
  std::vector<reply> kept;
};

std::string text_of(const reply& x) { return body_of(x); }

/// Shows what a handler gets to see: values as v1 reads them, then as v2 does.
std::optional<reply> echo(http_call& c) {
  std::string text;
  for (auto key : {"serviceName", "groupName", "ip", "port", "a", "b"})
    if (auto value = c.params.find(key))
      text += std::string(key) + "=" + std::string(c.optional(key)) + ";";
  if (auto joined = c.params.joined("a"))
    text += "joined=" + *joined + ";";
  if (!c.v1_service.name.empty())
    text += "service=" + std::string(c.v1_service.group) + "|" + std::string(c.v1_service.name);
  return text_reply(text);
}

std::optional<reply> agent(http_call& c) {
  return text_reply(std::string(c.agent()) + "|" + c.source_ip());
}

std::optional<reply> refuse(http_call&) { throw refusal{text_error(418, "refused")}; }
std::optional<reply> fail(http_call&) { throw std::runtime_error("secret"); }

/// Of the request that is answered later.
ticket_ptr later_ticket;

std::optional<reply> fail_later(http_call& c) {
  later_ticket = c.later([](const outcome&) -> reply { throw std::runtime_error("secret"); });
  return std::nullopt;
}

void add_test_routes(route_table& table) {
  constexpr auto v1 = api_family::naming_v1;
  table["/v1/ns/echo"] = {v1, echo, echo, echo, echo, echo};
  table["/v2/ns/echo"] = {api_family::naming_result, echo, echo, echo, echo, echo};
  table["/v1/ns/agent"] = {v1, agent};
  table["/v1/ns/get-only"] = {v1, echo};
  table["/v1/core/get-only"] = {api_family::core, echo};
  table["/v1/ns/refuse"] = {v1, refuse};
  table["/v1/ns/fail"] = {v1, fail};
  table["/v1/ns/fail-later"] = {v1, fail_later};
  table["/v2/ns/any/*"] = {api_family::naming_result, echo};
  table["/v2/ns/any/*/end"] = {api_family::naming_result, agent};
  table["/nacre/admin/echo"] = {api_family::admin, echo};
}

struct api {
  explicit api(options opts = {})
    : context(std::make_shared<node_context>(
      std::move(opts), 1, clock_source{[] { return wall_at(1'795'219'402'626); }, steady_now})),
      routes({context, [this] { return ready; }, "10.1.1.1"}, add_test_routes) {}

  reply ask(http_request request) {
    auto sink = std::make_shared<counting_sink>();
    auto answer = routes.handle(request, sink);
    REQUIRE(answer);
    // A second answer would be taken for that of the connection's next request.
    CHECK(sink->posted == 0);
    CHECK(sink.use_count() == 1);
    return std::move(*answer);
  }

  reply ask(http_method method, std::string_view name, std::string_view target) {
    return ask(request_of(method, name, target));
  }

  reply get(std::string_view target) { return ask(http_method::get, "GET", target); }
  reply post(std::string_view target) { return ask(http_method::post, "POST", target); }
  reply put(std::string_view target) { return ask(http_method::put, "PUT", target); }

  reply send(http_method method, std::string_view target, std::string_view content_type,
             std::string_view body) {
    auto request = request_of(method, "BODY", target);
    request.content_type = content_type;
    request.body = body;
    return ask(std::move(request));
  }

  void set_switch(std::string_view entry, std::string_view value) {
    auto changed = std::make_shared<switch_domain>(*context->tables.store.switches());
    REQUIRE_FALSE(changed->set(entry, value));
    context->tables.store.set_switches(changed);
  }

  bool ready = true;
  node_context_ptr context;
  router routes;
};

constexpr std::string_view form = "application/x-www-form-urlencoded";

/// The recorded error of the servlet container, whatever the time.
void check_container_error(const reply& x, unsigned status, std::string_view error,
                           std::string_view message, std::string_view path) {
  CHECK(x.status == status);
  CHECK(x.content_type == "application/json");
  auto text = text_of(x);
  json_document document(text);
  auto root = document.root();
  CHECK(root["status"].number() == status);
  CHECK(root["error"].string().value_or("") == error);
  CHECK(root["message"].string().value_or("") == message);
  CHECK(root["path"].string().value_or("") == path);
  auto time = root["timestamp"].string().value_or("");
  CHECK(time.size() == std::string_view("2026-11-21T00:03:22.664+00:00").size());
  CHECK(time.ends_with("+00:00"));
  CHECK(root.members().size() == 5);
}

void check_text(const reply& x, unsigned status, std::string_view text) {
  CHECK(x.status == status);
  CHECK(text_of(x) == text);
  CHECK(x.content_type == "text/plain;charset=UTF-8");
}

/// The param check has no content type and ends its line.
void check_param_error(const reply& x, std::string_view text) {
  CHECK(x.status == 400);
  CHECK(text_of(x) == std::string(text) + "\r\n");
  CHECK(x.content_type == "");
}

void check_result(const reply& x, unsigned status, std::string_view json) {
  CHECK(x.status == status);
  CHECK(text_of(x) == json);
  CHECK(x.content_type == "application/json");
}

} // namespace

// -- paths ---------------------------------------------------------------------------------------

TEST_CASE("what /v1/ns does not serve is 501 (DistroFilter, vectors v1/unknown-paths)") {
  api node;
  check_container_error(node.get("/nacos/v1/ns/nosuch"), 501, "Not Implemented",
                        "no such api:GET:/nacos/v1/ns/nosuch", "/nacos/v1/ns/nosuch");
  check_container_error(node.post("/nacos/v1/ns/instance/list?serviceName=x"), 501,
                        "Not Implemented", "no such api:POST:/nacos/v1/ns/instance/list",
                        "/nacos/v1/ns/instance/list");
  check_container_error(node.put("/nacos/v1/ns/service/list?pageNo=1&pageSize=1"), 501,
                        "Not Implemented", "no such api:PUT:/nacos/v1/ns/service/list",
                        "/nacos/v1/ns/service/list");
  // Mappings without a verb count as GET only, and so do HEAD and OPTIONS everywhere.
  for (std::string_view path : {"/nacos/v1/ns/service/names", "/nacos/v1/ns/instance/statuses",
                                "/nacos/v1/ns/health/server", "/nacos/v1/ns/catalog/instances",
                                "/nacos/v1/ns/operator/push/state", "/nacos/v1/ns", "/nacos/v1/ns/",
                                "/nacos/v1/ns/instance/x", "/nacos/v1/ns/raft/leader"}) {
    CAPTURE(path);
    CHECK(node.post(path).status == 501);
  }
  for (std::string_view method : {"HEAD", "OPTIONS", "TRACE", "X"})
    check_container_error(
      node.ask(http_method::other, method, "/nacos/v1/ns/instance"), 501, "Not Implemented",
      "no such api:" + std::string(method) + ":/nacos/v1/ns/instance", "/nacos/v1/ns/instance");
}

TEST_CASE("unknown paths elsewhere under the context are 404 as JSON") {
  api node;
  for (std::string_view path :
       {"/nacos", "/nacos/", "/nacos/nosuch", "/nacos/v2/ns/nosuch", "/nacos/v3/auth/user/list",
        "/nacos/v1/nsx/instance", "/nacos/v1/ns2", "/nacos//v1/ns/instance", "/nacos/v1/cs/configs",
        "/nacos/v2/ns/any", "/nacos/v2/ns/any/a/b", "/nacos/v2/ns/any/a/b/end"}) {
    CAPTURE(path);
    check_container_error(node.get(path), 404, "Not Found", "No message available", path);
  }
}

TEST_CASE("paths outside the context are the container's 404 page") {
  api node;
  for (std::string_view path : {"/", "", "/nosuch", "/nacosx/v1/ns/instance", "/v1/ns/instance",
                                "/NACOS/v1/ns/instance", "nacos", "/nacre"}) {
    CAPTURE(path);
    auto x = node.get(path);
    CHECK(x.status == 404);
    CHECK(x.content_type == "text/html;charset=utf-8");
    CHECK(text_of(x).find("HTTP Status 404 – Not Found") != std::string::npos);
  }
}

TEST_CASE("a path that is known but not for this method is 405 outside of /v1/ns") {
  api node;
  check_container_error(node.post("/nacos/v1/core/get-only"), 405, "Method Not Allowed",
                        "Method 'POST' is not supported.", "/nacos/v1/core/get-only");
  CHECK(node.put("/nacos/v2/ns/instance/list").status == 405);
  CHECK(node.ask(http_method::patch, "PATCH", "/nacos/v2/console/namespace").status == 405);
  CHECK(node.ask(http_method::other, "OPTIONS", "/nacos/v2/ns/instance").status == 405);
}

TEST_CASE("a slash at the end changes nothing (ControllerMethodsCache)") {
  api node;
  CHECK(text_of(node.get("/nacos/v1/ns/echo/?a=1")) == "a=1;joined=1;");
  CHECK(text_of(node.get("/nacos/v2/ns/echo/?a=1")) == "a=1;joined=1;");
  CHECK(text_of(node.get("/nacos/v2/ns/any/x/?a=1")) == "a=1;joined=1;");
  CHECK(node.get("/nacos/v1/ns/echo//").status == 501);
  check_container_error(node.get("/nacos/v1/ns/nosuch/"), 501, "Not Implemented",
                        "no such api:GET:/nacos/v1/ns/nosuch/", "/nacos/v1/ns/nosuch/");
}

TEST_CASE("the context path is the one that is configured") {
  options opts;
  opts.http.context_path = "/registry";
  api node(opts);
  CHECK(node.get("/registry/v1/ns/echo").status == 200);
  CHECK(node.get("/nacos/v1/ns/echo").status == 404);
  opts.http.context_path = "";
  api bare(opts);
  CHECK(bare.get("/v1/ns/echo").status == 200);
  CHECK(bare.get("/v1/ns/nosuch").status == 501);
  // nacre's own paths have none.
  CHECK(node.get("/nacre/admin/echo").status == 200);
  CHECK(bare.get("/nacre/admin/echo").status == 200);
}

TEST_CASE("a segment of a path may be a variable, at the end or before the end") {
  api node;
  CHECK(text_of(node.get("/nacos/v2/ns/any/x?b=2")) == "b=2;");
  CHECK(text_of(node.get("/nacos/v2/ns/any/end?b=2")) == "b=2;");
  CHECK(text_of(node.get("/nacos/v2/ns/any/x/end")) == "|10.9.9.9");
}

TEST_CASE("a handler that throws answers what it refuses with, or 500 without its secrets") {
  api node;
  check_text(node.get("/nacos/v1/ns/refuse"), 418, "refused");
  auto level = spdlog::get_level();
  spdlog::set_level(spdlog::level::off);
  auto x = node.get("/nacos/v1/ns/fail");
  spdlog::set_level(level);
  check_container_error(x, 500, "Internal Server Error", "the request failed inside the server",
                        "/nacos/v1/ns/fail");
}

TEST_CASE("an answer that fails when the actors have answered is a bare 500 as well") {
  api node;
  auto level = spdlog::get_level();
  spdlog::set_level(spdlog::level::off);
  for (bool dropped : {false, true}) {
    CAPTURE(dropped);
    auto sink = std::make_shared<keeping_sink>();
    CHECK_FALSE(
      node.routes.handle(request_of(http_method::get, "GET", "/nacos/v1/ns/fail-later"), sink));
    if (!dropped)
      later_ticket->complete({});
    later_ticket = nullptr;
    REQUIRE(sink->kept.size() == 1);
    check_container_error(sink->kept.front(), 500, "Internal Server Error",
                          "the request failed inside the server", "");
  }
  spdlog::set_level(level);
}

TEST_CASE("an error tells bytes of a path that are no UTF-8 as U+FFFD") {
  api node;
  check_container_error(node.get("/nacos/v1/ns/\xFFx"), 501, "Not Implemented",
                        "no such api:GET:/nacos/v1/ns/\xEF\xBF\xBDx", "/nacos/v1/ns/\xEF\xBF\xBDx");
}

// -- parameters ----------------------------------------------------------------------------------

TEST_CASE("the query comes before the form of POST, PUT, PATCH and DELETE (FormContentFilter)") {
  api node;
  for (auto method : {http_method::post, http_method::put, http_method::patch, http_method::del}) {
    CHECK(text_of(node.send(method, "/nacos/v1/ns/echo?a=query", form, "a=body&b=2"))
          == "a=query;b=2;joined=query,body;");
    CHECK(text_of(node.send(method, "/nacos/v2/ns/echo", form, "a=x&a=y")) == "a=x;joined=x,y;");
  }
  // 1.1.x clients send all of it twice.
  CHECK(text_of(node.send(http_method::post, "/nacos/v1/ns/echo?ip=1.1.1.1&port=80", form,
                          "ip=1.1.1.1&port=80"))
        == "ip=1.1.1.1;port=80;");
}

TEST_CASE("the body of a GET is ignored, and so is a JSON body") {
  api node;
  CHECK(text_of(node.send(http_method::get, "/nacos/v1/ns/echo?b=1", form, "a=body")) == "b=1;");
  for (std::string_view type : {"application/json", "application/json;charset=UTF-8", "text/plain",
                                "", "application/x-www-form"}) {
    CAPTURE(type);
    CHECK(text_of(node.send(http_method::post, "/nacos/v1/ns/echo?b=1", type, "a=body&%zz"))
          == "b=1;");
  }
  // Recorded (vectors v1/register-json-body): the first required parameter is missing then.
  check_text(node.send(http_method::post, "/nacos/v1/ns/instance", "application/json",
                       R"({"serviceName":"js-33","ip":"10.0.0.1","port":8080})"),
             400, "Param 'serviceName' is required.");
}

TEST_CASE("the type of a form is known in any case and with parameters") {
  api node;
  for (std::string_view type :
       {"application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=UTF-8",
        "APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8"}) {
    CAPTURE(type);
    CHECK(text_of(node.send(http_method::put, "/nacos/v1/ns/echo", type, "b=2")) == "b=2;");
  }
}

TEST_CASE("multipart fields count like those of a form") {
  api node;
  std::string body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nbody\r\n"
                     "--B\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--B--\r\n";
  for (std::string_view type :
       {"multipart/form-data; boundary=B", "multipart/form-data; boundary=\"B\"",
        "Multipart/Form-Data; charset=UTF-8; boundary=B; x=y"}) {
    CAPTURE(type);
    CHECK(text_of(node.send(http_method::post, "/nacos/v1/ns/echo?a=query", type, body))
          == "a=query;b=2;joined=query,body;");
  }
  for (std::string_view type : {"multipart/form-data", "multipart/form-data; boundary=C"})
    CHECK(node.send(http_method::post, "/nacos/v1/ns/echo", type, body).status == 400);
}

TEST_CASE("parameters that can't be decoded, or too many, make the request bad") {
  api node;
  check_container_error(node.get("/nacos/v1/ns/echo?a=%zz"), 400, "Bad Request",
                        "the parameters can't be decoded", "/nacos/v1/ns/echo");
  CHECK(node.send(http_method::post, "/nacos/v1/ns/echo", form, "a=%4").status == 400);
  std::string query = "/nacos/v1/ns/echo?";
  for (int i = 0; i < 257; ++i)
    query += "a&";
  CHECK(node.get(query).status == 400);
}

TEST_CASE("v1 values are trimmed, the first that is there counts (WebUtils)") {
  api node;
  CHECK(text_of(node.get("/nacos/v1/ns/echo?a=+x+&a=y&b=%09z")) == "a=x;b=z;joined= x ,y;");
}

// -- filters of v1 -------------------------------------------------------------------------------

TEST_CASE("the service's name is grouped as the ServiceNameFilter does") {
  api node;
  auto service = [&](std::string_view query) {
    auto text = text_of(node.get("/nacos/v1/ns/echo?" + std::string(query)));
    auto at = text.find("service=");
    return at == text.npos ? "none" : text.substr(at + 8);
  };
  CHECK(service("serviceName=s") == "DEFAULT_GROUP|s");
  CHECK(service("serviceName=s&groupName=G") == "G|s");
  CHECK(service("serviceName=s&groupName=") == "DEFAULT_GROUP|s");
  CHECK(service("serviceName=s&groupName=++") == "DEFAULT_GROUP|s");
  CHECK(service("serviceName=s&groupName=+G+") == "G|s");
  CHECK(service("serviceName=+s+") == "DEFAULT_GROUP|s");
  CHECK(service("serviceName=G%40%40s") == "G|s");
  CHECK(service("serviceName=G@@s&groupName=H") == "G|s"); // the parameter is ignored then
  CHECK(service("groupName=G") == "none");
  CHECK(service("serviceName=") == "none");
}

TEST_CASE("names without group or service are refused (vectors v1/register-bad-names)") {
  api node;
  const auto path = "/nacos/v1/ns/instance";
  auto refused = [&](std::string_view name) {
    return node.post("/nacos/v1/ns/instance?ip=10.0.0.1&port=8080&serviceName="
                     + std::string(name));
  };
  check_container_error(refused("@@x-25"), 400, "Bad Request",
                        "Service name filter error,caused: Param 'serviceName' is illegal, "
                        "groupName can't be empty;",
                        path);
  check_container_error(refused("g@@"), 400, "Bad Request",
                        "Service name filter error,caused: Param 'serviceName' is illegal, it "
                        "should be format as 'groupName@@serviceName';",
                        path);
  check_text(refused("%20"), 400,
             "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'");
  // The filter comes before the look for a handler (§1.9).
  CHECK(node.get("/nacos/v1/ns/nosuch?serviceName=g@@").status == 400);
  CHECK(node.get("/nacos/v2/ns/echo?serviceName=g@@").status == 200);
}

TEST_CASE("v1 parameters are checked, and the answer is the recorded one (ParamCheckerFilter)") {
  api node;
  struct row {
    std::string_view query, text;
  };
  const auto name = "Param 'serviceName' is illegal, illegal characters should not appear in the "
                    "param.";
  const auto group = "Param 'group' is illegal, illegal characters should not appear in the param.";
  const auto cluster = "Param 'cluster' is illegal, illegal characters should not appear in the "
                       "param.";
  const auto port = "Param 'port' is illegal, the value should be between 0 and 65535.";
  const row rows[] = {
    {"serviceName=bad%20name-25", name},
    {"serviceName=中文-25", name},
    {"serviceName=g@@a@@b", name}, // a third part
    {"serviceName=g@@@b", name},
    {"serviceName=s&groupName=a@@b", group},
    {"serviceName=s&groupName=a/b", group},
    {"serviceName=a/b@@s", group},
    {"serviceName=s&clusterName=a%20b", cluster},
    {"serviceName=s&clusterName=c/1", cluster},
    {"serviceName=s&cluster=c/1", cluster},
    {"serviceName=s&clusterName=a,b", cluster},
    {"serviceName=s&clusters=a,b%20", cluster},
    {"serviceName=s&port=abc", port},
    {"serviceName=s&port=-1", port},
    {"serviceName=s&port=70000", port},
    {"serviceName=s&port=%2080%20", port}, // not trimmed here
    {"serviceName=s&checkPort=65536", port},
    {"serviceName=s&ip=%201.1.1.1", "Param 'ip' is illegal, illegal characters should not appear "
                                    "in the param."},
    {"namespaceId=a.b", "Param 'namespaceId/tenant' is illegal, illegal characters should not "
                        "appear in the param."},
    {"namespaceName=a@b", "Param 'namespaceShowName' is illegal, illegal characters should not "
                          "appear in the param."},
  };
  for (auto& x : rows) {
    CAPTURE(x.query);
    check_param_error(node.get("/nacos/v1/ns/echo?" + std::string(x.query)), x.text);
  }
  check_param_error(node.get("/nacos/v1/ns/echo?serviceName=" + std::string(513, 'a')),
                    "Param 'serviceName' is illegal, the param length should not exceed 512.");
  for (std::string_view query :
       {"serviceName=a:b.c-d_e-25", "serviceName=s&clusters=a,b,", "serviceName=s&port=0",
        "serviceName=s&clusterName=ok-1_2", "serviceName=s&ip=host.name&namespaceId="}) {
    CAPTURE(query);
    CHECK(node.get("/nacos/v1/ns/echo?" + std::string(query)).status == 200);
  }
}

TEST_CASE("v2 parameters are checked alike, with the v1 kind of answer") {
  api node;
  check_param_error(node.post("/nacos/v2/ns/instance?serviceName=v2b-68&ip=10.0.0.1&port=abc"),
                    "Param 'port' is illegal, the value should be between 0 and 65535.");
  check_param_error(node.get("/nacos/v2/ns/instance/list?serviceName=s&clusterName=a,b%20c"),
                    "Param 'cluster' is illegal, illegal characters should not appear in the "
                    "param.");
  check_param_error(node.get("/nacos/v2/ns/echo?serviceName=a@@b@@c"),
                    "Param 'serviceName' is illegal, illegal characters should not appear in the "
                    "param.");
  check_param_error(node.get("/nacos/v2/console/namespace?namespaceId=" + std::string(65, 'a')),
                    "Param 'namespaceId/tenant' is illegal, the param length should not exceed "
                    "64.");
  // nacre's own paths take anything.
  CHECK(node.get("/nacre/admin/echo?port=abc&serviceName=a%20b").status == 200);
}

TEST_CASE("the param check can be switched off (nacos.core.param.check.enabled)") {
  options opts;
  opts.limits.param_check_enabled = false;
  api node(opts);
  CHECK(node.get("/nacos/v1/ns/echo?serviceName=bad%20name&port=abc").status == 200);
  CHECK(node.get("/nacos/v1/ns/echo?serviceName=g@@").status == 400); // the name filter stays
}

TEST_CASE("limited URLs get their status with an empty body (TrafficReviseFilter)") {
  api node;
  node.set_switch("limitedUrlMap", "/nacos/v1/ns/echo?a=1:429,/nacos/v1/ns/agent?null:503,"
                                   "/nacos/v1/ns/nosuch:404,/nacos/v2/ns/echo:503");
  auto x = node.get("/nacos/v1/ns/echo?a=1&b=2");
  CHECK(x.status == 429);
  CHECK(text_of(x) == "");
  CHECK(x.content_type == "");
  CHECK(node.get("/nacos/v1/ns/echo?a=10").status == 429); // a prefix of URI and query
  CHECK(node.get("/nacos/v1/ns/echo?b=2&a=1").status == 200);
  CHECK(node.get("/nacos/v1/ns/echo").status == 200);
  CHECK(node.get("/nacos/v1/ns/agent").status == 503); // no query is `null`
  CHECK(node.get("/nacos/v1/ns/agent?x").status == 200);
  CHECK(node.get("/nacos/v1/ns/nosuch?x").status == 404); // before the look for a handler
  CHECK(node.get("/nacos/v2/ns/echo").status == 200);     // the filter is for /v1/ns only
}

TEST_CASE("an overridden status shuts /v1/ns, for reads or writes or both (ServerStatus)") {
  struct row {
    std::string_view status;
    bool reads, writes;
  };
  const row rows[] = {
    {"UP", true, true},         {"READ_ONLY", true, false}, {"WRITE_ONLY", false, true},
    {"STARTING", false, false}, {"DOWN", false, false},     {"PAUSED", false, false},
    {"null", true, true},
  };
  for (auto& x : rows) {
    CAPTURE(x.status);
    api node;
    node.set_switch("overriddenServerStatus", x.status);
    auto refusal = "server is " + std::string(x.status) + "now, please try again later!";
    auto check = [&](const reply& answer, bool passes) {
      CHECK(answer.status == (passes ? 200 : 503));
      if (!passes) {
        CHECK(text_of(answer) == refusal);
        CHECK(answer.content_type == "");
      }
    };
    check(node.get("/nacos/v1/ns/echo"), x.reads);
    for (auto method : {http_method::post, http_method::put, http_method::patch, http_method::del})
      check(node.ask(method, "M", "/nacos/v1/ns/echo"), x.writes);
    // Only there: the way back is /v2/ns/operator/switches.
    CHECK(node.post("/nacos/v2/ns/echo").status == 200);
    CHECK(node.post("/nacre/admin/echo").status == 405);
    // Peers pass (agent prefix `Nacos-Server`), others who only mention it do not.
    auto request = request_of(http_method::put, "PUT", "/nacos/v1/ns/echo");
    request.user_agent = "Nacos-Server:2.5.1";
    CHECK(node.ask(request).status == 200);
    request.user_agent = "x Nacos-Server:2.5.1";
    CHECK(node.ask(request).status == (x.writes ? 200 : 503));
    // An unknown path is not even told of.
    CHECK(node.get("/nacos/v1/ns/nosuch").status == (x.reads ? 501 : 503));
  }
}

TEST_CASE("a node that starts or stops refuses /v1/ns, also reads, until it is ready") {
  api node;
  node.ready = false;
  auto x = node.get("/nacos/v1/ns/echo");
  CHECK(x.status == 503);
  CHECK(text_of(x).starts_with("server is STARTINGnow, detailed error message: "));
  CHECK(node.post("/nacos/v1/ns/echo").status == 503);
  CHECK(text_of(node.get("/nacos/v2/ns/operator/metrics")).find(R"("status":"STARTING")")
        != std::string::npos);
  CHECK(node.get("/nacos/v1/console/health/readiness").status == 500);
  CHECK(node.get("/nacos/v1/console/health/liveness").status == 200);
  node.set_switch("overriddenServerStatus", "UP"); // an operator's word counts
  CHECK(node.get("/nacos/v1/ns/echo").status == 200);
  node.set_switch("overriddenServerStatus", "null");
  CHECK(node.get("/nacos/v1/ns/echo").status == 503);
  node.ready = true;
  CHECK(node.get("/nacos/v1/ns/echo").status == 200);
}

// -- the caller ----------------------------------------------------------------------------------

TEST_CASE("the agent is User-Agent, else Client-Version; the source is the first proxy's word") {
  api node;
  auto request = request_of(http_method::get, "GET", "/nacos/v1/ns/agent");
  CHECK(text_of(node.ask(request)) == "|10.9.9.9");
  request.client_version = "1.4.8";
  CHECK(text_of(node.ask(request)) == "1.4.8|10.9.9.9");
  request.user_agent = "Nacos-Java-Client:v1.4.8";
  request.real_ip = "10.8.8.8";
  CHECK(text_of(node.ask(request)) == "Nacos-Java-Client:v1.4.8|10.8.8.8");
  request.forwarded_for = " 10.0.0.1 , 10.7.7.7";
  CHECK(text_of(node.ask(request)) == "Nacos-Java-Client:v1.4.8|10.0.0.1");
  // It is kept as who wrote.
  auto endless = std::string(8'000, 'x');
  request.user_agent = "a";
  request.forwarded_for = endless;
  CHECK(text_of(node.ask(request)) == "a|" + std::string(64, 'x') + "…");
  request.forwarded_for = "10.0.0.1\xff";
  CHECK(text_of(node.ask(request)) == "a|10.0.0.1\xef\xbf\xbd");
}

// -- refusals and reads of the real handlers -----------------------------------------------------

TEST_CASE("v1 writes say what is missing or wrong before anything is sent (InstanceController)") {
  api node;
  const auto path = "/nacos/v1/ns/instance?";
  struct row {
    std::string_view query, text;
  };
  const row rows[] = {
    {"", "Param 'serviceName' is required."},
    {"serviceName=", "Param 'serviceName' is required."},
    {"port=80&serviceName=mi-38", "Param 'ip' is required."}, // recorded
    {"ip=1.1.1.1&serviceName=s", "Param 'port' is required."},
    {"ip=1.1.1.1&port=80&serviceName=s&weight=abc", "For input string: \"abc\""},
    {"ip=1.1.1.1&port=80&serviceName=s&weight=-3",
     "instance format invalid: The weights range from 0.0 to 10000.0"},
    {"ip=1.1.1.1&port=80&serviceName=s&weight=10000.1",
     "instance format invalid: The weights range from 0.0 to 10000.0"},
    {"ip=1.1.1.1&port=80&serviceName=s&metadata=a", "metadata format incorrect:a"},
    {"ip=1.1.1.1&port=80&serviceName=s&metadata=%7Bbad", "metadata format incorrect:{bad"},
    {"ip=10.0.0.1&port=8080&serviceName=bc-23&clusterName=ok-1_2", // recorded
     "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: ok-1_2)"},
    {"ip=1.1.1.1&port=80&serviceName=s&metadata=preserved.heart.beat.timeout%3D1",
     "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete "
     "timeout'."},
  };
  for (auto& x : rows) {
    CAPTURE(x.query);
    check_text(node.post(path + std::string(x.query)), 400, x.text);
  }
  check_param_error(node.post("/nacos/v1/ns/instance?ip=1.1.1.1&port=80&serviceName=s&metadata=k%3D"
                              + std::string(1024, 'v')),
                    "Param 'Metadata' is illegal, the param length should not exceed 1024.");
}

TEST_CASE("a write that is refused is answered once, on every path") {
  api node;
  struct row {
    std::string_view path;
    std::string_view methods; // first letters; A is PATCH
  };
  const row rows[] = {
    {"/nacos/v1/ns/instance", "OUDA"},
    {"/nacos/v1/ns/instance/metadata/batch", "UD"},
    {"/nacos/v1/ns/instance/beat", "U"},
    {"/nacos/v1/ns/service", "OUD"},
    {"/nacos/v1/ns/cluster", "U"},
    {"/nacos/v1/ns/health", "U"},
    {"/nacos/v1/ns/operator/switches", "U"},
    {"/nacos/v1/ns/operator/log", "U"},
    {"/nacos/v1/console/namespaces", "OUD"},
    {"/nacos/v2/ns/instance", "OUDA"},
    {"/nacos/v2/ns/instance/metadata/batch", "UD"},
    {"/nacos/v2/ns/instance/beat", "U"},
    {"/nacos/v2/ns/service", "OUD"},
    {"/nacos/v2/ns/health", "U"},
    {"/nacos/v2/ns/operator/switches", "U"},
    {"/nacos/v2/console/namespace", "UD"},
    {"/nacos/v3/client/ns/instance", "OD"},
    {"/nacos/v3/admin/ns/instance", "OUD"},
    {"/nacos/v3/admin/ns/instance/partial", "U"},
    {"/nacos/v3/admin/ns/instance/metadata/batch", "UD"},
    {"/nacos/v3/admin/ns/service", "OUD"},
    {"/nacos/v3/admin/ns/cluster", "U"},
    {"/nacos/v3/admin/ns/health/instance", "U"},
    {"/nacos/v3/admin/ns/ops/switches", "U"},
    {"/nacos/v3/admin/core/namespace", "OUD"},
  };
  for (auto& x : rows)
    for (auto letter : x.methods) {
      auto method = letter == 'O'   ? http_method::post
                    : letter == 'U' ? http_method::put
                    : letter == 'D' ? http_method::del
                                    : http_method::patch;
      CAPTURE(x.path);
      CAPTURE(letter);
      CHECK(node.ask(method, "M", x.path).status == 400); // and `ask` looks for a second answer
    }
}

TEST_CASE("v1 reads of what does not exist") {
  api node;
  check_text(node.get("/nacos/v1/ns/instance?serviceName=s&ip=1.1.1.1&port=80"), 404,
             "no ips found for cluster DEFAULT in service DEFAULT_GROUP@@s");
  check_text(node.put("/nacos/v1/ns/instance?serviceName=s&ip=1.1.1.1&port=80"), 400,
             "service not found, namespace: public, service: Service{namespace='public', "
             "group='DEFAULT_GROUP', name='s', ephemeral=true, revision=0}");
  check_text(node.get("/nacos/v1/ns/service?serviceName=s&namespaceId=n"), 400,
             "service not found, namespace: n, serviceName: DEFAULT_GROUP@@s");
  check_text(node.get("/nacos/v1/ns/service/list?pageSize=1"), 400, "Param 'pageNo' is required.");
  check_text(node.get("/nacos/v1/ns/service/list"), 400, "Param 'pageNo' is required.");
  check_text(node.get("/nacos/v1/ns/catalog/service?serviceName=g@@s"), 404,
             "service g@@s is not found!");
  check_result(node.get("/nacos/v1/ns/service/list?pageNo=1&pageSize=10"), 200,
               R"({"count":0,"doms":[]})");
  check_result(node.get("/nacos/v1/ns/instance/statuses?key=g@@s"), 200, R"({"ips":[]})");
  check_text(node.get("/nacos/v1/ns/instance/statuses?key=s"), 400,
             "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'");
  check_result(node.get("/nacos/v1/ns/operator/metrics"), 200, R"({"status":"UP"})");
  check_result(node.get("/nacos/v1/ns/operator/distro/client?ip=1.1.1.1&port=80"), 200,
               R"({"responsibleServer":"10.1.1.1:8848"})");
}

TEST_CASE("a list of a missing service has all keys (vectors v1 and v2, list-missing-service)") {
  api node;
  const auto list = [](std::string_view clusters) {
    return R"({"name":"DEFAULT_GROUP@@none-13","groupName":"DEFAULT_GROUP","clusters":")"
           + std::string(clusters)
           + R"(","cacheMillis":10000,"hosts":[],"lastRefTime":1795219402626,"checksum":"",)"
             R"("allIPs":false,"reachProtectionThreshold":false,"valid":true})";
  };
  check_result(node.get("/nacos/v1/ns/instance/list?serviceName=none-13"), 200, list(""));
  check_result(node.get("/nacos/v1/ns/instance/list?serviceName=none-13&clusters=c1,c2&"
                        "healthyOnly=true&namespaceId=nons"),
               200, list("c1,c2"));
  check_text(node.get("/nacos/v1/ns/instance/list"), 400, "Param 'serviceName' is required.");
  check_result(node.get("/nacos/v2/ns/instance/list?serviceName=none-13"), 200,
               R"({"code":0,"message":"success","data":)" + list("") + "}");
  // Asking for pushes with an agent that gets none, or to nowhere, is just a query.
  check_result(node.get("/nacos/v1/ns/instance/list?serviceName=none-13&clientIP=127.0.0.1&"
                        "udpPort=40000"),
               200, list(""));
}

TEST_CASE("a light beat of an unknown instance is 20404 in a 200 (InstanceController.beat)") {
  api node;
  const auto unknown = R"({"clientBeatInterval":5000,"code":20404,"lightBeatEnabled":true})";
  check_result(node.put("/nacos/v1/ns/instance/beat?serviceName=s&ip=1.1.1.1&port=80"), 200,
               unknown);
  check_result(node.put("/nacos/v1/ns/instance/beat?serviceName=s&ip=1.1.1.1&port=80&beat="), 200,
               unknown);
  node.set_switch("clientBeatInterval", "7000");
  node.set_switch("lightBeatEnabled", "false");
  check_result(node.put("/nacos/v1/ns/instance/beat?serviceName=s"), 200,
               R"({"clientBeatInterval":7000,"code":20404,"lightBeatEnabled":false})");
  check_text(node.put("/nacos/v1/ns/instance/beat?ip=1.1.1.1&port=80"), 400,
             "Param 'serviceName' is required.");
  for (std::string_view beat : {"null", "[]", "%7Bbad", "%22x%22"}) {
    CAPTURE(beat);
    auto x = node.put("/nacos/v1/ns/instance/beat?serviceName=s&beat=" + std::string(beat));
    CHECK(x.status == 400); // where the reference says 500 or worse
    CHECK(text_of(x).starts_with("Param 'beat' is illegal"));
  }
  check_param_error(node.put("/nacos/v1/ns/instance/beat?serviceName=s&"
                             "beat=%7B%22port%22:70000%7D"),
                    "Param 'port' is illegal, the value should be between 0 and 65535.");
}

TEST_CASE("a beat of a known, healthy instance is answered without any message") {
  api node;
  auto service = make_service_ref({"public", "G", "s"});
  lease_ptr lease(make_lease(service, {"1.1.1.1", 80}, at(0)));
  node.context->tables.leases.insert(lease);
  const auto beat = "/nacos/v1/ns/instance/beat?serviceName=G@@s&ip=1.1.1.1&port=80";
  check_result(node.put(beat), 200,
               R"({"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true})");
  CHECK(lease->renewed.load() > steady_time{});
  // The interval of the instance's own metadata is told.
  lease->set_terms({1'000, 3'000, 6'000});
  lease->own_interval = true;
  check_result(node.put(beat), 200,
               R"({"clientBeatInterval":1000,"code":10200,"lightBeatEnabled":true})");
  // ip and port of the beat's JSON win over the parameters.
  check_result(node.put("/nacos/v1/ns/instance/beat?serviceName=G@@s&ip=9.9.9.9&port=1&beat="
                        "%7B%22ip%22:%221.1.1.1%22,%22port%22:80,%22serviceName%22:%22other%22%7D"),
               200, R"({"clientBeatInterval":1000,"code":10200,"lightBeatEnabled":true})");
  // On v2 it is bare, too, and wants the grouped name (vectors v2/beat).
  check_result(node.put("/nacos/v2/ns/instance/beat?serviceName=G@@s&ip=1.1.1.1&port=80"), 200,
               R"({"clientBeatInterval":1000,"code":10200,"lightBeatEnabled":true})");
  check_result(node.put("/nacos/v2/ns/instance/beat?serviceName=s&ip=1.1.1.1&port=80"), 400,
               R"({"code":20002,"message":"parameter validate error","data":"Param 'serviceName' )"
               R"(is illegal, it should be format as 'groupName@@serviceName'"})");
}

TEST_CASE("v2 writes say what is missing or wrong in a result (vectors v2/register-errors)") {
  api node;
  const auto path = "/nacos/v2/ns/instance?";
  const auto missing = [](std::string_view name, std::string_view type) {
    return R"({"code":10000,"message":"parameter missing","data":"Required parameter ')"
           + std::string(name) + "' type " + std::string(type) + R"( is not present"})";
  };
  check_result(node.post(path + std::string("ip=10.0.0.1&port=80")), 400,
               missing("serviceName", "String"));
  check_result(node.post(path + std::string("serviceName=%20&ip=10.0.0.1&port=80")), 400,
               missing("serviceName", "String"));
  check_result(node.post(path + std::string("serviceName=s&port=80")), 400,
               missing("ip", "String"));
  check_result(node.post(path + std::string("serviceName=s&ip=1.1.1.1")), 400,
               missing("port", "Integer"));
  check_result(node.post(path + std::string("serviceName=s&ip=1.1.1.1&port=80&weight=-3")), 400,
               R"({"code":21001,"message":"weight error","data":"instance format invalid: The )"
               R"(weights range from 0.0 to 10000.0"})");
  check_result(node.post(path + std::string("serviceName=s&ip=1.1.1.1&port=80&metadata=x")), 400,
               R"({"code":21002,"message":"instance metadata error","data":"metadata format )"
               R"(incorrect:x"})");
  check_result(node.post(path + std::string("serviceName=s&ip=1.1.1.1&port=80&clusterName=a_b")),
               400,
               R"({"code":21004,"message":"instance error","data":"Instance 'clusterName' should )"
               R"(be characters with only 0-9a-zA-Z-. (current: a_b))"
               "\"}");
  check_result(node.get("/nacos/v2/ns/instance/list"), 400,
               R"({"code":10000,"message":"parameter missing","data":"Required request parameter )"
               R"('serviceName' for method parameter type String is not present"})");
  check_result(node.get("/nacos/v2/ns/instance?serviceName=s&ip=1.1.1.1&port=80"), 404,
               R"({"code":20004,"message":"resource not found","data":"no ips found for cluster )"
               R"(DEFAULT in service DEFAULT_GROUP@@s"})");
  check_result(node.get("/nacos/v2/ns/service?serviceName=s"), 400,
               R"({"code":21008,"message":"service not exist","data":"service not found, )"
               R"(namespace: public, serviceName: DEFAULT_GROUP@@s"})");
}

TEST_CASE("namespaces of the store are read, the public one is always there (§6.3)") {
  api node;
  node.context->tables.store.set_namespace({"n1", "first", "desc"});
  CHECK(text_of(node.get("/nacos/v1/console/namespaces"))
        == R"({"code":200,"message":null,"data":[{"namespace":"","namespaceShowName":"public",)"
           R"("namespaceDesc":"Default Namespace","quota":200,"configCount":0,"type":0},)"
           R"({"namespace":"n1","namespaceShowName":"first","namespaceDesc":"desc","quota":200,)"
           R"("configCount":0,"type":2}]})");
  check_result(node.get("/nacos/v2/console/namespace?namespaceId=none"), 404,
               R"({"code":22001,"message":"namespace not exist","data":"namespaceId [ none ] not )"
               R"(exist"})");
  CHECK(node.get("/nacos/v2/console/namespace?namespaceId=n1").status == 200);
}

TEST_CASE("the loader lists connections and asks them to move (Nacos ServerLoaderController)") {
  api x;
  CHECK(text_of(x.get("/nacos/v2/core/loader/current")) == "{}");
  CHECK(text_of(x.get("/nacos/v2/core/loader/reloadCurrent?count=0")) == "success");
  CHECK(text_of(x.get("/nacos/v2/core/loader/reloadClient?connectionId=none")) == "success");
  CHECK(x.get("/nacos/v2/core/loader/reloadClient").status == 400);
  CHECK(x.get("/nacos/v2/core/loader/reloadCurrent?count=1&redirectAddress=x").status == 400);
}

TEST_CASE("a read that walks over everything is handled aside, or refused when too many wait") {
  std::vector<std::function<void()>> aside;
  bool has_room = true;
  auto context = std::make_shared<node_context>(options(), 1, clock_source{});
  api_environment environment{context, [] { return true; }, "10.1.1.1"};
  environment.run_aside = [&](const std::string&, std::function<void()> read) {
    if (has_room)
      aside.push_back(std::move(read));
    return has_room ? outcome{} : outcome{ec::unavailable, "no room"};
  };
  router routes(environment);
  auto ask = [&](std::string target, const std::shared_ptr<keeping_sink>& sink) {
    // What the session has read is gone when the read is handled.
    return routes.handle(request_of(http_method::get, "GET", target), sink);
  };
  auto sink = std::make_shared<keeping_sink>();
  CHECK_FALSE(ask("/nacos/v1/ns/catalog/services?pageNo=1&pageSize=10", sink));
  CHECK(sink->kept.empty());
  REQUIRE(aside.size() == 1);
  aside.front()();
  REQUIRE(sink->kept.size() == 1);
  CHECK(text_of(sink->kept.front()) == R"({"count":0,"serviceList":[]})");
  has_room = false;
  auto refused = ask("/nacos/v2/ns/client/list", sink);
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(ask("/nacos/v1/ns/instance/list?serviceName=s", sink)); // walks over nothing
}

TEST_CASE("a service with very many clusters is shown with its instances in one pass") {
  node_fixture node;
  node.register_instance("s", "10.0.0.1");
  node.settle();
  service_table table(node.find("s")->key, wall_at(1));
  instance_list instances;
  for (int i = 0; i < 20'000; ++i) {
    instance x;
    x.ip = "10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250);
    x.port = 80;
    x.cluster_name = i % 2 == 0 ? "even" : "c" + std::to_string(i);
    instances.push_back(std::move(x));
  }
  client_id client{"1_10.9.9.9_1", 0, client_kind::connection};
  table.publish(make_publication(make_lease(table.key(), client, node.now()), std::move(instances)),
                wall_at(2));
  node.context->tables.directory.publish(table.make_view());
  router routes({node.context, [] { return true; }, "10.1.1.1"});
  for (auto target : {"/nacos/v1/ns/catalog/services?pageNo=1&pageSize=9&withInstances=true",
                      "/nacos/v3/admin/ns/service/list?pageNo=1&pageSize=9&withInstances=true"}) {
    CAPTURE(target);
    auto began = std::chrono::steady_clock::now();
    auto answer =
      routes.handle(request_of(http_method::get, "GET", target), std::make_shared<counting_sink>());
    // All instances for each of the clusters are two hundred million.
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
    REQUIRE(answer);
    auto text = text_of(*answer);
    json_document document(text);
    auto root = document.root();
    auto v3 = root["data"]["pageItems"].elements();
    auto services = v3.empty() ? root.elements() : v3;
    REQUIRE(services.size() == 1);
    auto clusters = services[0]["clusterMap"];
    CHECK(clusters.members().size() == 10'001);
    CHECK(clusters["even"]["hosts"].elements().size() == 10'000);
    auto odd = clusters["c19999"]["hosts"].elements();
    REQUIRE(odd.size() == 1);
    CHECK(odd[0]["ip"].string().value_or("") == "10.0.79.249");
  }
}

TEST_CASE("a page of services that have too many instances together is not made") {
  node_fixture node;
  router routes(api_environment{node.context, [] { return true; }, "10.1.1.1"});
  auto status = [&](std::string_view target) {
    return routes
      .handle(request_of(http_method::get, "GET", target), std::make_shared<keeping_sink>())
      .value()
      .status;
  };
  for (auto name : {"s1", "s2"}) {
    node.register_instance(name, "10.0.0.1");
    node.settle();
    auto claims_many = new service_view(*node.find(name));
    claims_many->instances = 100'001;
    node.context->tables.directory.publish(claims_many);
  }
  for (std::string list : {"/nacos/v1/ns/catalog/services?", "/nacos/v3/admin/ns/service/list?"}) {
    CAPTURE(list);
    CHECK(status(list + "pageNo=1&pageSize=2&withInstances=true") == 400);
    CHECK(status(list + "pageNo=1&pageSize=1&withInstances=true") == 200);
    CHECK(status(list + "pageNo=1&pageSize=2") == 200);
  }
}

TEST_CASE("what one service has is read aside where it is much") {
  node_fixture node;
  int aside = 0;
  api_environment environment{node.context, [] { return true; }, "10.1.1.1"};
  environment.run_aside = [&](const std::string&, std::function<void()>) {
    ++aside;
    return outcome{};
  };
  router routes(environment);
  auto goes_aside = [&](std::string_view target) {
    aside = 0;
    auto answer =
      routes.handle(request_of(http_method::get, "GET", target), std::make_shared<keeping_sink>());
    CHECK((aside == 1) == !answer);
    return aside == 1;
  };
  auto register_some = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      node.register_instance("s",
                             "10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250));
    node.settle();
  };
  const std::string_view targets[] = {
    "/nacos/v1/ns/service?serviceName=s",
    "/nacos/v1/ns/catalog/service?serviceName=s",
    "/nacos/v1/ns/catalog/instances?serviceName=s&clusterName=c&pageNo=1&pageSize=1",
    "/nacos/v2/ns/service?serviceName=s",
    "/nacos/v2/ns/catalog/instances?serviceName=DEFAULT_GROUP@@s&pageNo=1&pageSize=1",
    "/nacos/v2/ns/client/service/publisher/list?serviceName=s",
    "/nacos/v2/ns/client/service/subscriber/list?serviceName=s",
    "/nacos/v3/admin/ns/service?serviceName=s",
    "/nacos/v3/admin/ns/instance/list?serviceName=s",
    "/nacos/v3/admin/ns/client/service/publisher/list?serviceName=s",
  };
  register_some(0, 1'000);
  for (auto target : targets) {
    CAPTURE(target);
    CHECK_FALSE(goes_aside(target));
  }
  register_some(1'000, 1'001);
  for (auto target : targets) {
    CAPTURE(target);
    CHECK(goes_aside(target));
  }
  CHECK_FALSE(goes_aside("/nacos/v1/ns/service")); // the name is missing: said at once
  CHECK_FALSE(goes_aside("/nacos/v1/console/namespaces"));
  // What clients ask to know whether the node is well.
  CHECK_FALSE(goes_aside("/nacos/v1/ns/operator/metrics"));
  CHECK(goes_aside("/nacos/v1/ns/operator/metrics?onlyStatus=false"));
  CHECK(goes_aside("/nacre/admin/cluster/diff?service=s"));
}

TEST_CASE("names of services are listed aside where many of them are asked for") {
  node_fixture node;
  int aside = 0;
  api_environment environment{node.context, [] { return true; }, "10.1.1.1"};
  environment.run_aside = [&](const std::string&, std::function<void()> read) {
    ++aside;
    read();
    return outcome{};
  };
  router routes(environment);
  auto sink = std::make_shared<keeping_sink>();
  // As Spring's discovery asks.
  auto ask = [&](const std::string& size = "2147483647") {
    return routes.handle(
      request_of(http_method::get, "GET", "/nacos/v1/ns/service/list?pageNo=1&pageSize=" + size),
      sink);
  };
  for (int i = 0; i < 5'000; ++i)
    node.register_instance("s" + std::to_string(i), "10.0.0.1");
  node.settle();
  auto few = ask();
  REQUIRE(few);
  CHECK(text_of(*few).starts_with(R"({"count":5000,"doms":["s0",)"));
  CHECK(aside == 0);
  node.register_instance("s", "10.0.0.1");
  node.settle();
  CHECK(ask("5000"));
  CHECK(aside == 0);
  CHECK_FALSE(ask());
  CHECK(aside == 1);
  REQUIRE(sink->kept.size() == 1);
  CHECK(text_of(sink->kept.front()).starts_with(R"({"count":5001,"doms":["s","s0",)"));
}

TEST_CASE("a page of instances has 10,000 rows at most, whatever is asked for") {
  node_fixture node;
  for (int i = 0; i <= 10'000; ++i)
    node.register_instance("s", "10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250));
  node.settle();
  router routes({node.context, [] { return true; }, "10.1.1.1"});
  for (std::string_view target :
       {"/nacos/v1/ns/catalog/instances?serviceName=s&clusterName=DEFAULT&pageNo=1&"
        "pageSize=2147483647",
        "/nacos/v2/ns/catalog/instances?serviceName=DEFAULT_GROUP@@s&pageNo=1&"
        "pageSize=2147483647"}) {
    CAPTURE(target);
    auto answer =
      routes.handle(request_of(http_method::get, "GET", target), std::make_shared<keeping_sink>());
    REQUIRE(answer);
    auto text = text_of(*answer);
    CHECK(text.find("\"count\":10001") != text.npos);
    std::size_t rows = 0;
    for (auto at = text.find("\"ip\":"); at != text.npos; at = text.find("\"ip\":", at + 1))
      ++rows;
    CHECK(rows == 10'000);
  }
}

TEST_CASE("overrides are shown page by page, in order of service and instance") {
  node_fixture node;
  for (auto service : {"b", "a"}) {
    node.register_instance(service, "10.0.0.1");
    node.settle();
    std::vector<override_change> changes;
    for (auto id : {"10.0.0.1:80:DEFAULT", "10.0.0.2:80:DEFAULT"})
      changes.push_back({id, {2.0, true, {}}});
    caf::anon_send(node.context->actors.metadata.get(),
                   put_overrides{node.key(service), std::move(changes), "10.9.9.9", nullptr});
    node.settle();
  }
  router routes({node.context, [] { return true; }, "10.1.1.1"});
  auto shown = [&](const std::string& query) {
    auto sink = std::make_shared<keeping_sink>();
    auto target = "/nacre/admin/overrides" + query;
    CHECK_FALSE(routes.handle(request_of(http_method::get, "GET", target), sink));
    node.settle();
    REQUIRE(sink->kept.size() == 1);
    auto text = text_of(sink->kept.front());
    json_document document(text);
    auto root = document.root();
    auto rows = root["overrides"].elements();
    std::string result = std::to_string(static_cast<int>(root["found"].number().value_or(-1)));
    for (auto& x : rows)
      result.append(" ")
        .append(split_grouped_name(x["service"].string().value_or("")).name)
        .append("/")
        .append(x["instance"].string().value_or("").substr(0, 8));
    return result;
  };
  CHECK(shown("") == "4 a/10.0.0.1 a/10.0.0.2 b/10.0.0.1 b/10.0.0.2");
  CHECK(shown("?offset=1&limit=2") == "4 a/10.0.0.2 b/10.0.0.1");
  CHECK(shown("?offset=3&limit=1000000") == "4 b/10.0.0.2");
  CHECK(shown("?offset=4") == "4");
  CHECK(shown("?limit=0") == "4");
  CHECK(shown("?service=b&limit=1") == "2 b/10.0.0.1");
}
