#include "http/api/service_json.hpp"

#include <set>

#include "http/api/lists.hpp"

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

std::map<std::string, std::vector<instance>> instances_by_cluster(const service_view& view) {
  std::map<std::string, std::vector<instance>> result;
  auto all = view.select({"", false, false});
  for (auto& x : all.instances)
    result[x.effective.cluster_name].push_back(std::move(x.effective));
  return result;
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
  bool triggers =
    total != 0
    && static_cast<double>(healthy) / static_cast<double>(total) <= view.protect_threshold();
  out.begin_object()
    .field("name", view.key->name)
    .field("groupName", view.key->group)
    .field("clusterCount", cluster_names(view, false).size())
    .field("ipCount", total)
    .field("healthyInstanceCount", healthy)
    .field("triggerFlag", triggers ? "true" : "false")
    .end_object();
}

std::vector<service_view_ptr> matching_services(const http_call& c, std::string_view namespace_id,
                                                const service_filter& filter) {
  auto& directory = c.context().tables.directory;
  std::vector<service_view_ptr> views;
  directory.for_each_listed({namespace_id, "", ""}, [&](const service_ref& key) {
    if (key->name.find(filter.name_part) != std::string::npos
        && key->group.find(filter.group_part) != std::string::npos)
      if (auto view = directory.find(key->view()); view && view->listed)
        if (!filter.ignore_empty || !view->publications.empty())
          views.push_back(std::move(view));
    return true;
  });
  return views;
}

std::vector<service_view_ptr> page_with_instances(const http_call& c,
                                                  const std::vector<service_view_ptr>& all,
                                                  std::int64_t page, std::int64_t size) {
  constexpr std::size_t instances_max = 200'000;
  auto shown = page_of(all, page, size);
  std::size_t instances = 0;
  for (auto& view : shown)
    instances += view->instances;
  if (shown.size() > 1 && instances > instances_max)
    c.refuse(result_code::parameter_validate_error,
             "the services of this page have " + std::to_string(instances)
               + " instances, ask for fewer services at a time");
  return shown;
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

std::string statuses_json(const http_call& c, const service_key_view& key) {
  json_writer out;
  out.begin_object().key("ips").begin_array();
  if (auto view = find_listed(c, key))
    view->for_each_instance([&](const publication&, const instance& x) {
      out.string(x.ip + ':' + std::to_string(x.port) + '_' + (x.healthy ? "true" : "false"));
    });
  out.end_array().end_object();
  return out.take();
}

std::string checkers_json() {
  return R"({"TCP":{},"HTTP":{"path":"","headers":"","expectedResponseCode":200},)"
         R"("MYSQL":{"user":null,"pwd":null,"cmd":null},"NONE":{}})";
}

} // namespace nacre
