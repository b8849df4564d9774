// Naming over gRPC (Nacos `naming.remote.rpc.handler`).
#include "actors/naming/commands.hpp"
#include "actors/tables/service_info.hpp"
#include "grpc/sdk/rpc_call.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/naming_request.hpp"
#include "protocol/naming_response.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

constexpr std::string_view instance_response = "InstanceResponse";
constexpr std::string_view batch_response = "BatchInstanceResponse";
constexpr std::string_view register_type = "registerInstance";
constexpr std::string_view deregister_type = "deregisterInstance";
constexpr std::string_view batch_type = "batchRegisterInstance";

/// Characters of an id that a client chooses: more than an id has that names make.
constexpr std::size_t given_id_max = 1024;

/// Thrown by checks; answers the call.
struct rpc_refusal {
  rpc_reply answer;
};

rpc_refusal bad_request(std::string_view text) { return {error_response(400, 400, text)}; }

/// How the reference words an exception that carries a code.
rpc_refusal wrapped(std::string_view text) {
  return bad_request("errCode: 400, errMsg: " + std::string(text) + " ");
}

/// Handlers may throw a `rpc_refusal`.
template <rpc_handler Handler>
void refusing(rpc_call& call) {
  try {
    Handler(call);
  } catch (rpc_refusal& x) {
    call.reply(std::move(x.answer));
  }
}

rpc_refusal param_refusal(std::string_view response_type, std::string_view complaint) {
  return {{response_type, failure_body(500, rpc_error::invalid_parameter,
                                       "Param check invalid:" + std::string(complaint))}};
}

void check_names_of(const rpc_call& call, std::string_view response_type,
                    const named_request& request, std::string_view clusters = {}) {
  auto& node = call.context();
  if (auto complaint = check_clusters_size(clusters, node.options.limits.query_clusters_max))
    throw param_refusal(response_type, *complaint);
  checked_names names;
  names.namespace_id = request.namespace_id;
  names.group = request.group;
  names.service_name = request.service_name;
  names.clusters = clusters;
  if (auto complaint = node.checks.names(names))
    throw param_refusal(response_type, *complaint);
}

void require_service(const named_request& request) {
  if (is_blank(request.service_name))
    throw rpc_refusal{
      error_response(500, 500, "Param 'serviceName' is illegal, serviceName is blank")};
}

/// Checks one instance of a request and gives it its port and id.
void complete_instance(const rpc_call& call, std::string_view response_type,
                       requested_instance& x) {
  auto& checks = call.context().checks;
  auto port = std::to_string(x.port);
  checked_names names;
  names.ip = x.what.ip;
  names.port = port;
  names.cluster = x.what.cluster_name;
  if (auto complaint = checks.names(names))
    throw param_refusal(response_type, *complaint);
  if (auto complaint = checks.metadata(x.what.metadata))
    throw param_refusal(response_type, *complaint);
  if (x.given_id.size() > given_id_max && utf16_length(x.given_id) > given_id_max)
    throw param_refusal(response_type,
                        "Param 'instanceId' is illegal, the param length should not exceed "
                          + std::to_string(given_id_max) + ".");
  if (x.port < 0 || x.port > 65535)
    throw bad_request("Param 'port' is illegal, the value should be between 0 and 65535.");
  x.what.port = static_cast<std::uint16_t>(x.port);
}

void choose_id(const rpc_call& call, requested_instance& x) {
  auto& node = call.context();
  if (!x.given_id.empty()) {
    x.what.generator = id_generator::given;
    x.what.id = new id_text(std::move(x.given_id));
  } else if (!set_instance_id(x.what,
                              [&] { return node.tables.instance_ids.next(node.clock.wall()); })) {
    throw rpc_refusal{error_response(500, 500, "The InstanceIdGenerator type is not found ")};
  }
}

service_ref shared_service(const rpc_call& call, const named_request& request) {
  return call.context().tables.directory.shared_key(request.key());
}

/// The answer of a write, with its `Type` in it.
template <const std::string_view& Response, const std::string_view& Type>
rpc_reply write_answer(const outcome& done) {
  static const auto success = success_body("\"type\":\"" + std::string(Type) + "\"");
  if (done.ok())
    return {Response, success};
  if (done.code == ec::kind_conflict) {
    auto text = done.text;
    if (auto at = text.find("can't register"); Type == batch_type && at != text.npos)
      text.insert(at + std::string_view("can't ").size(), "batch ");
    return wrapped(text).answer;
  }
  auto code = done.code == ec::limit_reached ? rpc_error::over_threshold : rpc_error::server_error;
  return {Response, failure_body(500, code, done.text)};
}

ticket_ptr register_ticket(const rpc_call& call) {
  return call.later(write_answer<instance_response, register_type>);
}

ticket_ptr deregister_ticket(const rpc_call& call) {
  return call.later(write_answer<instance_response, deregister_type>);
}

/// Reads and checks what InstanceRequest and PersistentInstanceRequest have in common.
instance_request read_instance_request(const rpc_call& call) {
  auto request = parse_instance_request(call.body);
  check_names_of(call, instance_response, request);
  if (request.what)
    complete_instance(call, instance_response, *request.what);
  require_service(request);
  if (request.type != register_type && request.type != deregister_type)
    throw bad_request("Unsupported request type " + shortened(request.type, 128));
  return request;
}

void check_registration(const rpc_call& call, requested_instance& x) {
  choose_id(call, x);
  if (auto complaint = check_instance(x.what))
    throw wrapped(*complaint);
}

void instance_of_connection(rpc_call& call) {
  auto request = read_instance_request(call);
  auto owner = call.client->actor.get();
  if (request.type == deregister_type) {
    // Takes back whatever the connection published there, as the reference does.
    caf::anon_send(owner,
                   withdraw_instances{shared_service(call, request), deregister_ticket(call)});
    return;
  }
  if (!request.what)
    throw bad_request("Instance can not be null.");
  check_registration(call, *request.what);
  instance_list instances;
  instances.push_back(std::move(request.what->what));
  caf::anon_send(owner, publish_instances{shared_service(call, request), std::move(instances),
                                          register_ticket(call)});
}

void batch_of_connection(rpc_call& call) {
  auto request = parse_instance_request(call.body);
  check_names_of(call, batch_response, request);
  if (request.batch)
    for (auto& x : *request.batch)
      complete_instance(call, batch_response, x);
  require_service(request);
  if (request.type != batch_type)
    throw bad_request("Unsupported request type " + shortened(request.type, 128));
  if (!request.batch)
    throw rpc_refusal{error_response(500, 500, "instances can not be null")};
  instance_list instances;
  for (auto& x : *request.batch) {
    choose_id(call, x);
    instances.push_back(std::move(x.what));
  }
  caf::anon_send(call.client->actor.get(),
                 publish_instances{shared_service(call, request), std::move(instances),
                                   call.later(write_answer<batch_response, batch_type>)});
}

void persistent_instance(rpc_call& call) {
  auto request = read_instance_request(call);
  if (!request.what)
    throw rpc_refusal{error_response(500, 500, "Instance can not be null.")};
  auto& x = request.what->what;
  x.ephemeral = false;
  change_cause cause{change_reason::request,
                     std::make_shared<const std::string>(call.client->info.client_ip)};
  if (request.type == deregister_type) {
    naming::deregister_instance(call.context(), shared_service(call, request), x, std::move(cause),
                                deregister_ticket(call));
    return;
  }
  choose_id(call, *request.what);
  naming::register_instance(call.context(), shared_service(call, request), std::move(x),
                            std::move(cause), register_ticket(call));
}

/// `"serviceInfo":{…}` of a service as it is now.
message_body list_of(const node_context& context, const service_key_view& key,
                     const instance_selection& wanted) {
  auto view = context.tables.directory.find(key);
  return list_for_grpc(view.get(), key, wanted,
                       context.tables.store.switches()->default_push_cache_millis,
                       context.next_ref_time());
}

void query_service(rpc_call& call) {
  auto request = parse_list_request(call.body);
  check_names_of(call, "QueryServiceResponse", request, request.clusters);
  call.reply("QueryServiceResponse",
             success_body(list_of(call.context(), request.key(),
                                  {request.clusters, request.healthy_only, true})));
}

void subscribe_to_service(rpc_call& call) {
  static constexpr std::string_view response = "SubscribeServiceResponse";
  auto request = parse_list_request(call.body);
  check_names_of(call, response, request, request.clusters);
  require_service(request);
  auto service = shared_service(call, request);
  auto answer = call.later([context = call.env.api.context, service,
                            clusters = request.clusters](const outcome& done) -> rpc_reply {
    if (!done.ok())
      return {response, failure_body(500, rpc_error::over_threshold, done.text)};
    auto list = list_of(*context, service->view(), {clusters, false, true});
    list.text.insert(0, "\"message\":\"success\",");
    return {response, success_body(std::move(list))};
  });
  auto owner = call.client->actor.get();
  if (request.subscribe) {
    auto app = call.header("app");
    caf::anon_send(owner,
                   subscribe_service{std::move(service), std::move(request.clusters),
                                     app.empty() ? call.client->info.app : shortened(app, 128),
                                     std::move(answer)});
  } else {
    caf::anon_send(owner, unsubscribe_service{std::move(service), std::move(request.clusters),
                                              std::move(answer)});
  }
}

constexpr std::string_view list_response = "ServiceListResponse";

/// Position of the first name, and how many names are wanted from there.
std::pair<std::size_t, std::size_t> page_of(const service_list_request& x) {
  auto size = static_cast<std::size_t>(x.page_size);
  return {static_cast<std::size_t>(std::max<std::int64_t>(x.page_no, 1) - 1) * size, size};
}

rpc_reply names_reply(const node_context& context, const service_list_request& request) {
  auto [from, size] = page_of(request);
  std::size_t total = 0;
  auto names =
    context.tables.directory.names(request.namespace_id, request.group, from, size, total);
  json_writer out;
  out.begin_array();
  for (auto& name : names)
    out.string(name);
  out.end_array();
  return {list_response,
          success_body("\"count\":" + std::to_string(total) + ",\"serviceNames\":" + out.take())};
}

void list_services(rpc_call& call) {
  auto request = parse_service_list_request(call.body);
  request.service_name.clear(); // means nothing here
  check_names_of(call, list_response, request);
  if (request.page_size < 0)
    throw rpc_refusal{error_response(500, 500, "pageSize must not be negative")};
  auto& aside = call.env.api.run_aside;
  auto [from, size] = page_of(request);
  auto& directory = call.context().tables.directory;
  if (!aside || !directory.is_long_page(request.namespace_id, request.group, from, size))
    return call.reply(names_reply(call.context(), request));
  auto answer =
    call.later([context = call.env.api.context, request](const outcome& done) -> rpc_reply {
      if (!done.ok())
        return {list_response, failure_body(500, rpc_error::server_error, done.text)};
      return names_reply(*context, request);
    });
  if (auto taken = aside(call.client->info.remote_ip, [answer] { complete(answer); }); !taken.ok())
    complete(answer, taken);
}

void fuzzy_watch_services(rpc_call& call) {
  static constexpr std::string_view response = "NamingFuzzyWatchResponse";
  auto request = parse_fuzzy_watch_request(call.body);
  bool begins = request.watch_type == "WATCH";
  if (!begins && request.watch_type != "CANCEL_WATCH")
    throw bad_request("Unsupported watch type " + shortened(request.watch_type, 128));
  auto answer = call.later([](const outcome& done) -> rpc_reply {
    if (done.ok())
      return {response, success_body()};
    auto code = done.code == ec::watch_patterns_limit  ? rpc_error::watch_patterns_limit
                : done.code == ec::watch_matches_limit ? rpc_error::watch_matches_limit
                : done.code == ec::illegal_value       ? rpc_error::invalid_parameter
                                                       : rpc_error::server_error;
    return {response, failure_body(500, code, done.text)};
  });
  auto owner = call.client->actor.get();
  if (begins)
    caf::anon_send(owner, watch_services{std::move(request.pattern), request.initializing,
                                         std::move(request.received_keys), std::move(answer)});
  else
    caf::anon_send(owner, cancel_watch{std::move(request.pattern), std::move(answer)});
}

} // namespace

void add_naming_handlers(rpc_handlers& table) {
  table["InstanceRequest"] = refusing<instance_of_connection>;
  table["BatchInstanceRequest"] = refusing<batch_of_connection>;
  table["PersistentInstanceRequest"] = refusing<persistent_instance>;
  table["ServiceQueryRequest"] = refusing<query_service>;
  table["SubscribeServiceRequest"] = refusing<subscribe_to_service>;
  table["ServiceListRequest"] = refusing<list_services>;
  table["NamingFuzzyWatchRequest"] = refusing<fuzzy_watch_services>;
}

} // namespace nacre
