#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/api_environment.hpp"
#include "http/server/parameters.hpp"
#include "http/server/reply.hpp"
#include "protocol/naming_rules.hpp"

namespace nacre {

enum class http_method : std::uint8_t { get, head, post, put, del, patch, other };

/// What a session read of one request. Views are valid while the request is handled.
struct http_request {
  http_method method = http_method::get;
  /// As the client wrote it, for error texts.
  std::string_view method_name;
  /// Path as sent, context path included.
  std::string_view uri;
  std::string_view query;
  std::string_view body;
  std::string_view content_type;
  std::string_view user_agent;
  std::string_view client_version;
  std::string_view forwarded_for;
  std::string_view real_ip;
  /// Address of the other end of the connection, never null; one object for all its requests.
  std::shared_ptr<const std::string> remote_ip;
};

/// Where the answer of a ticket stands, seen from the handler's thread and the actors'.
enum class later_stage : std::uint8_t { handling, waiting, dropped };

/// Takes the answer of a request that an actor answers later; one request at a time. Any thread.
class reply_sink {
public:
  virtual ~reply_sink() = default;
  virtual void post(reply answer) = 0;

  /// Runs `task` on the thread of the connection; at once where there is none.
  virtual void run_there(std::function<void()> task) { task(); }

private:
  friend class http_call;
  friend class later_reply;
  /// Of the ticket of the present request.
  std::atomic<later_stage> stage_{later_stage::handling};
};

/// One request on its way through the filters to its handler: parameters with the meaning Nacos
/// gives them. Accessors throw `refusal` with the recorded text when input is bad.
class http_call {
public:
  http_call(const api_environment& environment, const http_request& received,
            std::shared_ptr<reply_sink> sink)
    : env(environment), request(received), sink_(std::move(sink)) {}

  // -- v1: trimmed text, first value wins -------------------------------------------------------

  /// 400 `Param '<key>' is required.` when missing or empty.
  std::string_view required(std::string_view key) const;
  std::string_view optional(std::string_view key, std::string_view otherwise = "") const;
  /// 400 `For input string: "…"`
  std::int32_t required_int(std::string_view key) const;
  std::int32_t int_or(std::string_view key, std::int32_t otherwise) const;
  /// The value of the first key that is there and not blank.
  std::string_view first_of(std::initializer_list<std::string_view> keys,
                            std::string_view otherwise) const;

  // -- v2 and v3 forms --------------------------------------------------------------------------

  /// 400/10000 `Required parameter '<key>' type <type> is not present` when missing or blank.
  std::string form_text(std::string_view key, std::string_view type = "String") const;
  std::int32_t form_int(std::string_view key) const;
  std::string form_text_or(std::string_view key, std::string_view otherwise) const;
  bool form_bool_or(std::string_view key, bool otherwise) const;
  std::int32_t form_int_or(std::string_view key, std::int32_t otherwise) const;
  double form_double_or(std::string_view key, double otherwise) const;

  // -- what all have in common ------------------------------------------------------------------

  /// Refuses the request in the words of its API; only result objects tell the code.
  [[noreturn]] void refuse(result_code code, std::string_view text, unsigned status = 400) const;

  /// `For input string: "…"`, as the reference's number parsers say it.
  [[noreturn]] void refuse_number(std::string_view text) const;

  /// The service that the request names (required): `group@@name` in one parameter for v1, else
  /// its parts.
  service_ref service() const;

  std::string_view namespace_id() const { return optional("namespaceId", default_namespace); }

  /// `ip:port` by which others know this node.
  std::string own_address() const;

  /// Client's agent: User-Agent, else Client-Version.
  std::string_view agent() const;

  /// Address the request came from, proxies taken at their word: UTF-8, cut at 64 bytes.
  std::string source_ip() const;

  /// The caller as told in the history: null if it is `instance_ip` itself.
  std::shared_ptr<const std::string> caller_unless(std::string_view instance_ip) const;

  /// A ticket whose outcome becomes the answer by `render`. A ticket that is dropped before the
  /// handler has returned answers nothing: the handler refused after all, or `end` finds out.
  ticket_ptr later(std::function<reply(const outcome&)> render) const;

  /// A ticket that answers `ok` in the words of the API, or the failure.
  ticket_ptr later_done() const;
  /// A ticket that answers with JSON, or the failure.
  ticket_ptr later_json(std::string json) const;

  /// To be called when the handler has returned without an answer.
  /// @returns the answer if its ticket was dropped meanwhile
  std::optional<reply> end() const;

  node_context& context() const { return *env.context; }
  const std::shared_ptr<reply_sink>& sink() const { return sink_; }
  /// The same for all of the request.
  const switch_domain_ptr& switches() const {
    if (!switches_)
      switches_ = env.context->tables.store.switches();
    return switches_;
  }

  const api_environment& env;
  const http_request& request;
  parameters params;
  /// Of the route.
  dialect speaks = dialect::text;
  /// Set by the service name filter of v1: `group@@name` cut in two.
  grouped_parts v1_service;

private:
  std::shared_ptr<reply_sink> sink_;
  mutable switch_domain_ptr switches_;
  mutable bool has_ticket_ = false;
};

/// Answers at once, or not at all if a ticket will.
using handler = std::optional<reply> (*)(http_call&);

} // namespace nacre
