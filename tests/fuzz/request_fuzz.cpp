// Whole requests against a node of its own per input: real routes, filters and actors, one thread,
// virtual time, no socket. An input is up to 16 requests with a line `---` between them:
//
//   POST /nacos/v1/ns/instance?serviceName=a&ip=1.1.1.1&port=80
//   user-agent: Nacos-Java-Client:v1.4.8
//                                    (an empty line, then the body)
//
// `WAIT 5000` instead of a request lets that many ms (at most a minute) of actor time pass.
#include <utility>

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include "http/server/router.hpp"
#include "tests/kit/request_of.hpp"
#include "virtual_node.hpp"

using namespace nacre;

namespace {

constexpr std::size_t requests_max = 16;

struct answer_slot final : reply_sink {
  void post(reply x) override {
    fuzz::require(!answer, "two answers to one request");
    answer = std::move(x);
  }
  std::optional<reply> answer;
};

http_method method_of(std::string_view name) {
  constexpr std::pair<std::string_view, http_method> methods[] = {
    {"GET", http_method::get},    {"POST", http_method::post},   {"PUT", http_method::put},
    {"DELETE", http_method::del}, {"PATCH", http_method::patch},
  };
  for (auto& [known, method] : methods)
    if (known == name)
      return method;
  return http_method::other;
}

void read_header(http_request& request, std::string_view line) {
  auto name = fuzz::take_until(line, ": ");
  constexpr std::pair<std::string_view, std::string_view http_request::*> fields[] = {
    {"content-type", &http_request::content_type},
    {"user-agent", &http_request::user_agent},
    {"client-version", &http_request::client_version},
    {"x-forwarded-for", &http_request::forwarded_for},
    {"x-real-ip", &http_request::real_ip},
  };
  for (auto& [known, field] : fields)
    if (known == name)
      request.*field = line;
}

http_request read_request(std::string_view text) {
  http_request request;
  request.remote_ip = std::make_shared<const std::string>("127.0.0.1");
  request.content_type = "application/x-www-form-urlencoded";
  auto line = fuzz::take_until(text, "\n");
  request.method_name = fuzz::take_until(line, " ");
  request.method = method_of(request.method_name);
  request.uri = fuzz::take_until(line, "?");
  request.query = line;
  while (!text.empty() && !(line = fuzz::take_until(text, "\n")).empty())
    read_header(request, line);
  request.body = text;
  return request;
}

void check_answer(const reply& x) {
  auto body = test::body_of(x);
  fuzz::require(x.status >= 200 && x.status < 600, "no HTTP status");
  fuzz::require(x.status != 500 || !body.starts_with("{\"timestamp\""), "a handler threw");
  if (x.content_type == application_json)
    fuzz::require_json(body);
  else if (!x.content_type.empty())
    fuzz::require_utf8(body);
}

/// A node that lives as long as one input.
class fuzzed_node : fuzz::virtual_node {
public:
  explicit fuzzed_node(fuzz::virtual_system& system)
    : virtual_node(system),
      routes_(api_environment{context, [] { return true; }, "127.0.0.1", context->clock.wall()}) {}

  void serve(std::string_view text) {
    if (text.starts_with("WAIT "))
      return host.pass(std::min(parse_int32(text.substr(5)).value_or(0), 60'000));
    auto slot = std::make_shared<answer_slot>();
    auto request = read_request(text);
    if (auto now = routes_.handle(request, slot))
      slot->post(std::move(*now));
    host.settle();
    if (!slot->answer)
      host.pass(2'000); // the inspector is patient with actors that do not answer
    fuzz::require(slot->answer.has_value(), "a request got no answer");
    check_answer(*slot->answer);
  }

private:
  router routes_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto& host = *new fuzz::virtual_system; // never ends: exit must not wait for anything
  static auto log = spdlog::create<spdlog::sinks::null_sink_mt>("none");
  spdlog::set_default_logger(log);
  auto text = fuzz::text_of(data, size);
  fuzzed_node node(host);
  for (std::size_t i = 0; i < requests_max && !text.empty(); ++i)
    node.serve(fuzz::take_until(text, "\n---\n"));
  return 0;
}
