#include "http/service_json.hpp"

#include <set>

#include "http/instance_form.hpp"
#include "protocol/text.hpp"

namespace nacre {

std::vector<std::string> cluster_names(const service_view& view, bool with_stored) {
  std::set<std::string> names;
  view.publications.for_each([&](const publication_ptr& x) {
    for (auto& one : x->instances)
      names.insert(one.cluster_name);
  });
  if (with_stored && view.metadata)
    for (auto& [name, settings] : view.metadata->clusters)
      names.insert(name);
  return {names.begin(), names.end()};
}

cluster_metadata cluster_of(const service_view& view, std::string_view name) {
  if (view.metadata)
    if (auto i = view.metadata->clusters.find(name); i != view.metadata->clusters.end())
      return i->second;
  return {};
}

metadata_map metadata_of(const service_view& view) {
  return view.metadata ? view.metadata->metadata : metadata_map{};
}

selector selector_of(const service_view& view) {
  return view.metadata ? view.metadata->selector : selector{};
}

void write_summary(json_writer& out, const service_view& view) {
  std::size_t total = 0;
  std::size_t healthy = 0;
  view.publications.for_each([&](const publication_ptr& x) {
    for (auto& one : x->instances) {
      ++total;
      healthy += one.healthy ? 1 : 0;
    }
  });
  bool triggers = total != 0
                  && static_cast<double>(healthy) / static_cast<double>(total)
                       <= view.protect_threshold();
  out.begin_object()
    .field("name", view.key->name)
    .field("groupName", view.key->group)
    .field("clusterCount", cluster_names(view, false).size())
    .field("ipCount", total)
    .field("healthyInstanceCount", healthy)
    .field("triggerFlag", triggers ? "true" : "false")
    .end_object();
}

std::vector<service_view_ptr> matching_services(const call& c, std::string_view namespace_id,
                                                const service_filter& filter) {
  auto views = c.context().directory.views(namespace_id);
  std::erase_if(views, [&](const service_view_ptr& view) {
    return view->key->name.find(filter.name_part) == std::string::npos
           || view->key->group.find(filter.group_part) == std::string::npos
           || (filter.ignore_empty && view->publications.empty());
  });
  return views;
}

void begin_page(json_writer& out, std::size_t total, std::int64_t page, std::int64_t size) {
  auto per_page = std::max<std::int64_t>(size, 1);
  auto pages = total == 0 ? 0 : static_cast<std::int64_t>(total) / per_page + 1;
  out.begin_object()
    .field("totalCount", total)
    .field("pageNumber", page)
    .field("pagesAvailable", pages)
    .key("pageItems")
    .begin_array();
}

namespace {

[[noreturn]] void refuse(bool result_errors, result_code code, std::string_view text) {
  throw refusal{result_errors ? result_error(400, code, text) : text_error(400, text)};
}

double read_threshold(const call& c, bool result_errors) {
  auto text = c.optional("protectThreshold");
  if (text.empty())
    return 0.0;
  auto number = parse_double(text);
  if (!number)
    refuse(result_errors, result_code::parameter_validate_error,
           "For input string: \"" + shortened(text, 64) + '"');
  return *number;
}

} // namespace

service_metadata read_service_form(const call& c, bool result_errors) {
  service_metadata form;
  form.protect_threshold = read_threshold(c, result_errors);
  form.metadata = read_metadata(c, result_errors ? [](std::string_view text) {
    return result_error(400, result_code::metadata_illegal, text);
  } : [](std::string_view text) { return text_error(400, text); });
  auto chosen = parse_selector(c.optional("selector"));
  if (!chosen.is_json)
    refuse(result_errors, result_code::selector_error,
           "Param 'selector' is illegal, it is no JSON");
  if (!chosen.value)
    refuse(result_errors, result_code::selector_error, "not match any type of selector!");
  form.selector = std::move(*chosen.value);
  return form;
}

void send_cluster_update(const call& c, const service_key_view& key, bool result_errors,
                         ticket_ptr answer) {
  auto text = [&](std::string_view name) {
    return result_errors ? c.form_text(name) : std::string(c.required(name));
  };
  auto cluster = text("clusterName");
  auto port = parse_int32(text("checkPort"));
  if (!port || *port < 0 || *port > 65535)
    refuse(result_errors, result_code::parameter_validate_error,
           "Param 'checkPort' is illegal, the value should be between 0 and 65535.");
  auto use_instance_port = parse_lenient_bool(text("useInstancePort4Check"));
  auto checker = parse_health_checker(text("healthChecker"));
  if (!checker)
    refuse(result_errors, result_code::parameter_validate_error,
           "Param 'healthChecker' is illegal, it is no JSON object");
  if (cluster.size() > 64)
    refuse(result_errors, result_code::parameter_validate_error,
           "Param 'cluster' is illegal, the param length should not exceed 64.");
  cluster_metadata settings{static_cast<std::uint16_t>(*port), use_instance_port,
                            std::move(*checker), read_metadata(c, [](std::string_view why) {
                              return text_error(400, why);
                            })};
  if (!find_listed(c, key))
    refuse(result_errors, result_code::service_not_exist,
           "service not found:" + key.grouped_name());
  auto change = [cluster, settings](service_metadata& stored) {
    // Bounded: cluster names are the caller's choice.
    constexpr std::size_t clusters_max = 1'000;
    if (stored.clusters.size() < clusters_max || stored.clusters.count(cluster) != 0)
      stored.clusters[cluster] = settings;
  };
  caf::anon_send(c.context().metadata.get(),
                 update_service{make_service_ref(key), std::move(change), std::move(answer)});
}

std::optional<reply> set_health(const call& c, const service_key_view& key, std::string_view ip,
                                std::int32_t port, std::string_view cluster, bool healthy,
                                bool result_errors) {
  auto done = [result_errors](const outcome& result) {
    if (!result.ok())
      return result_errors ? failure_result(result) : failure_v1(result);
    return result_errors ? result_reply("\"ok\"") : text_reply("ok");
  };
  auto view = find_listed(c, key);
  bool by_hand = view && view->metadata && view->metadata->clusters.count(std::string(cluster)) != 0
                 && cluster_of(*view, cluster).checker.type == health_checker::kind::none;
  if (!by_hand) {
    auto text = "health check is still working, service: " + key.grouped_name()
                + ", cluster: " + std::string(cluster);
    return result_errors ? result_error(400, result_code::server_error, text)
                         : text_error(400, text);
  }
  client_id client{std::string(ip), static_cast<std::uint16_t>(port), client_kind::persistent};
  auto published = view->publications.find(client);
  if (!published || (*published)->instances.front().cluster_name != cluster)
    return done({}); // unknown or ephemeral: nothing to set
  instance_form form{make_service_ref(key), (*published)->instances.front()};
  form.what.healthy = healthy;
  send_register(c, std::move(form), change_reason::request, c.later(done));
  return std::nullopt;
}

std::string checkers_json() {
  return R"({"TCP":{},"HTTP":{"path":"","headers":"","expectedResponseCode":200},)"
         R"("MYSQL":{"user":null,"pwd":null,"cmd":null},"NONE":{}})";
}

} // namespace nacre
