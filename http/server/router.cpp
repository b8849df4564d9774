#include "http/server/router.hpp"

#include <deque>

#include <spdlog/spdlog.h>

#include "config/config_error.hpp"
#include "http/server/filters.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

constexpr std::string_view not_found_page =
  "<!doctype html><html lang=\"en\"><head><title>HTTP Status 404 – Not Found</title></head>"
  "<body><h1>HTTP Status 404 – Not Found</h1></body></html>";

reply not_found(const http_call& c, bool in_context) {
  if (in_context)
    return container_error(404, "No message available", c.request.uri);
  reply x;
  x.status = 404;
  x.content_type = "text/html;charset=utf-8";
  x.shared[0] = not_found_page;
  return x;
}

bool read_parameters(http_call& c) {
  auto& request = c.request;
  if (!request.query.empty() && !c.params.add_urlencoded(request.query))
    return false;
  // The body of a GET is none of the API's business.
  if (request.body.empty() || request.method == http_method::get
      || request.method == http_method::head)
    return true;
  if (starts_with_ignore_case(request.content_type, "application/x-www-form-urlencoded"))
    return c.params.add_urlencoded(request.body);
  if (starts_with_ignore_case(request.content_type, "multipart/form-data"))
    return c.params.add_multipart(request.body,
                                  header_attribute(request.content_type, "boundary").value_or(""));
  return true;
}

/// What a request says, beyond the time in which it is handled.
class kept_request {
public:
  explicit kept_request(const http_request& x) : request_(x) {
    for (auto* text : {&request_.method_name, &request_.uri, &request_.query, &request_.user_agent,
                       &request_.client_version, &request_.forwarded_for, &request_.real_ip})
      *text = texts_.emplace_back(*text);
    request_.body = request_.content_type = {}; // of a read
  }

  const http_request& get() const { return request_; }

private:
  std::deque<std::string> texts_;
  http_request request_;
};

bool is_read(const http_call& c) {
  return c.request.method == http_method::get || c.request.method == http_method::head;
}

bool wants_confirmation(const http_call& c) {
  return is_read(c) && c.optional("consistency") == "linearizable";
}

} // namespace

/// A read that waits until this node's readers see all that was acknowledged, by whatever node,
/// before it came; then it is handled as any other.
class router::confirmed_read final : public ticket {
public:
  confirmed_read(const router& owner, const http_call& c, std::shared_ptr<reply_sink> sink)
    : owner_(owner),
      request_(std::make_shared<const kept_request>(c.request)),
      speaks_(c.speaks),
      sink_(std::move(sink)) {}
  ~confirmed_read() override { complete_if_dropped(); }

private:
  void deliver(outcome result) override {
    if (!result.ok())
      return sink_->post(done_reply(speaks_, result));
    // The STORE has others to serve, and its thread only says so.
    sink_->run_there([&owner = owner_, request = request_, sink = sink_] {
      if (auto answer = owner.handle(request->get(), sink, {.confirmed = true}))
        sink->post(std::move(*answer));
    });
  }

  const router& owner_;
  const std::shared_ptr<const kept_request> request_;
  const dialect speaks_;
  std::shared_ptr<reply_sink> sink_;
};

router::router(api_environment environment, void (*more)(route_table&))
  : env_(std::move(environment)) {
  add_instance_v1_routes(routes_);
  add_service_v1_routes(routes_);
  add_operator_routes(routes_);
  add_naming_v2_routes(routes_);
  add_naming_v3_routes(routes_);
  add_client_routes(routes_);
  add_core_state_routes(routes_);
  add_limit_routes(routes_);
  add_login_routes(routes_);
  add_namespace_routes(routes_);
  add_cluster_routes(routes_);
  add_loader_routes(routes_);
  add_admin_routes(routes_);
  add_store_routes(routes_);
  add_health_routes(routes_);
  if (more)
    more(routes_);
}

const route* router::find(std::string_view path) const {
  if (auto i = routes_.find(path); i != routes_.end())
    return &i->second;
  // Paths with a variable segment, at the end or before the last one.
  auto last = path.rfind('/');
  if (last == std::string_view::npos || last == 0)
    return nullptr;
  auto pattern = std::string(path.substr(0, last)).append("/*");
  if (auto i = routes_.find(pattern); i != routes_.end())
    return &i->second;
  auto before = path.rfind('/', last - 1);
  if (before == std::string_view::npos)
    return nullptr;
  pattern = std::string(path.substr(0, before)).append("/*").append(path.substr(last));
  auto i = routes_.find(pattern);
  return i == routes_.end() ? nullptr : &i->second;
}

std::optional<reply> router::read_aside(const http_call& c, detours made) const {
  made.aside = true;
  auto read = [this, made, sink = c.sink(), kept = std::make_shared<kept_request>(c.request)] {
    if (auto answer = answer_of(kept->get(), sink, made))
      sink->post(std::move(*answer));
  };
  if (auto taken = env_.run_aside(*c.request.remote_ip, std::move(read)); !taken.ok())
    return done_reply(c.speaks, taken);
  return std::nullopt;
}

std::optional<reply> router::serve(http_call& c, std::string_view path, detours made) const {
  bool naming_v1 = path.starts_with("/v1/ns/") || path == "/v1/ns";
  if (naming_v1) {
    if (auto refused = revise_traffic(c))
      return refused;
    if (auto refused = read_service_name(c))
      return refused;
  }
  auto found = find(path);
  auto handle = found ? found->of(c.request.method) : nullptr;
  if (naming_v1 && c.request.method == http_method::head)
    handle = nullptr; // the reference's filter knows no HEAD there
  if (found && found->family == api_family::naming_result)
    c.speaks = dialect::result;
  if (!handle && naming_v1)
    return container_error(
      501, "no such api:" + std::string(c.request.method_name) + ":" + std::string(c.request.uri),
      c.request.uri);
  if (!found)
    return not_found(c, true);
  if (!handle)
    return container_error(
      405, "Method '" + std::string(c.request.method_name) + "' is not supported.", c.request.uri);
  if (found->family == api_family::naming_result)
    if (auto refused = refuse_unready(c))
      return refused;
  if (found->family != api_family::admin)
    if (auto refused = check_parameters(c, naming_v1))
      return refused;
  bool is_naming = naming_v1 || found->family == api_family::naming_result;
  if (!made.confirmed && is_naming && wants_confirmation(c)) {
    caf::anon_send(env_.context->actors.store.get(),
                   confirm_reads{std::make_shared<confirmed_read>(*this, c, c.sink())});
    return std::nullopt;
  }
  if (!made.aside && env_.run_aside && is_read(c) && found->get.takes_long(c))
    return read_aside(c, made);
  return handle(c);
}

std::optional<reply> router::handle(const http_request& request,
                                    std::shared_ptr<reply_sink> sink) const {
  return handle(request, std::move(sink), {});
}

std::optional<reply> router::handle(const http_request& request, std::shared_ptr<reply_sink> sink,
                                    detours made) const {
  work_timer timer;
  auto answer = answer_of(request, std::move(sink), made);
  if (timer.is_stall())
    env_.context->tables.stalls.note(std::string(request.method_name) + ' '
                                       + printable(shortened(request.uri, 200)),
                                     timer.elapsed(), env_.context->clock.wall());
  return answer;
}

std::optional<reply> router::answer_of(const http_request& request,
                                       std::shared_ptr<reply_sink> sink, detours made) const {
  http_call c(env_, request, std::move(sink));
  auto path = request.uri;
  auto& prefix = env_.context->options.http.context_path;
  bool own = path.starts_with("/nacre/");
  bool in_context = !own && path.starts_with(prefix)
                    && (path.size() == prefix.size() || path[prefix.size()] == '/');
  if (!own && !in_context)
    return not_found(c, false);
  if (in_context)
    path.remove_prefix(prefix.size());
  if (path.size() > 1 && path.ends_with('/'))
    path.remove_suffix(1);
  try {
    if (!read_parameters(c))
      return container_error(400, "the parameters can't be decoded", request.uri);
    auto answer = serve(c, path, made);
    return answer ? std::move(answer) : c.end();
  } catch (refusal& refused) {
    return std::move(refused.answer);
  } catch (const std::exception& failure) {
    spdlog::error("handler-failed {} {}: {}", request.method_name,
                  printable(shortened(request.uri, 200)), failure.what());
    return container_error(500, "the request failed inside the server", request.uri);
  }
}

} // namespace nacre
