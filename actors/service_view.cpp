#include "actors/service_view.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <tuple>

#include "protocol/json_writer.hpp"
#include "protocol/text.hpp"

namespace nacre {

instance service_view::effective(const instance& published) const {
  if (overlays)
    if (auto i = overlays->find(published.metadata_id()); i != overlays->end())
      return with_overlay(published, i->second);
  return published;
}

namespace {

/// Two connections may publish the very same instance; it is shown once.
void drop_repeated(std::vector<selected_instance>& all) {
  auto less = [&](std::size_t a, std::size_t b) {
    auto key = [&](std::size_t i) {
      auto& x = all[i].effective;
      return std::tuple(std::string_view(x.ip), x.port, std::string_view(x.cluster_name), i);
    };
    return key(a) < key(b);
  };
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), less);
  std::vector<bool> repeated(all.size());
  for (std::size_t i = 1; i < order.size(); ++i)
    repeated[order[i]] = same_instance(all[order[i - 1]].effective, all[order[i]].effective);
  std::size_t i = 0;
  std::erase_if(all, [&](const selected_instance&) { return repeated[i++]; });
}

} // namespace

selection_result service_view::select(const instance_selection& wanted) const {
  auto clusters = split(wanted.clusters, ',');
  std::erase(clusters, std::string_view()); // a lone or trailing comma asks for nothing
  auto in_cluster = [&](const instance& x) {
    return clusters.empty()
           || std::find(clusters.begin(), clusters.end(), x.cluster_name) != clusters.end();
  };
  selection_result result;
  for_each_instance([&](const publication&, instance x) {
    if (!in_cluster(x) || (wanted.enabled_only && !x.enabled))
      return;
    bool shown = x.healthy;
    result.instances.push_back({std::move(x), shown});
  });
  if (connections > 0)
    drop_repeated(result.instances);
  auto is_healthy = [](const selected_instance& x) { return x.effective.healthy; };
  auto healthy = std::count_if(result.instances.begin(), result.instances.end(), is_healthy);
  if (wanted.healthy_only)
    std::erase_if(result.instances, std::not_fn(is_healthy));
  // Only stored metadata protects; 0 / 0 is no number and does not.
  auto ratio = static_cast<double>(healthy) / static_cast<double>(result.instances.size());
  if (metadata && ratio <= std::max(0.0, metadata->protect_threshold)) {
    result.reaches_protection = true;
    for (auto& x : result.instances)
      x.shown_healthy = true;
  }
  return result;
}

rendered_list_ptr service_view::rendered(const instance_selection& wanted,
                                         std::int64_t cache_millis) const {
  return lists->get(wanted, cache_millis, [&] {
    return std::make_shared<const rendered_list>(
      render_list(key->view(), wanted.clusters, select(wanted), cache_millis, ref_time_ms));
  });
}

std::optional<instance> service_view::find_instance(std::string_view ip, std::uint16_t port,
                                                    std::string_view cluster) const {
  auto of = [&](const publication_ptr* x) -> std::optional<instance> {
    if (x)
      for (auto& one : (*x)->instances)
        if (one.ip == ip && one.port == port && one.cluster_name == cluster)
          return effective(one);
    return std::nullopt;
  };
  for (auto client : {client_kind::ephemeral, client_kind::persistent})
    if (auto found = of(publications.find(client_id{std::string(ip), port, client})))
      return found;
  std::optional<instance> found;
  publications.for_each([&](const publication_ptr& x) {
    if (!found && is_connection(x->held_by->client.kind))
      found = of(&x);
  });
  return found;
}

rendered_list render_list(const service_key_view& key, std::string_view clusters,
                          const selection_result& chosen, std::int64_t cache_millis,
                          std::int64_t ref_time_ms) {
  json_writer out;
  out.begin_object()
    .field("name", key.grouped_name())
    .field("groupName", key.group)
    .field("clusters", clusters)
    .field("cacheMillis", cache_millis)
    .key("hosts");
  rendered_list list;
  list.hosts_begin = out.size() + 1; // the colon is written with the value
  out.begin_array();
  for (auto& x : chosen.instances)
    write_host(out, key, x.effective, x.shown_healthy);
  out.end_array();
  list.hosts_size = out.size() - list.hosts_begin;
  list.hosts_count = chosen.instances.size();
  list.reaches_protection = chosen.reaches_protection;
  out.field("lastRefTime", ref_time_ms)
    .field("checksum", "")
    .field("allIPs", false)
    .field("reachProtectionThreshold", chosen.reaches_protection)
    .field("valid", true)
    .end_object();
  list.json = out.take();
  return list;
}

std::string render_push(const service_key_view& key, std::string_view clusters,
                        const rendered_list& list, std::int64_t cache_millis,
                        std::int64_t ref_time_ms) {
  json_writer out;
  out.begin_object()
    .field("name", key.grouped_name())
    .field("clusters", clusters)
    .field("cacheMillis", cache_millis)
    .key("hosts")
    .raw(list.hosts());
  out.field("lastRefTime", ref_time_ms)
    .field("checksum", "")
    .field("allIPs", false)
    .field("reachProtectionThreshold", list.reaches_protection)
    .field("valid", true)
    .end_object();
  return out.take();
}

} // namespace nacre
