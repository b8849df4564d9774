#include "actors/tables/service_view.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>
#include <set>
#include <tuple>

#include "protocol/host_json.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/text.hpp"

namespace nacre {

instance service_view::effective(const instance& published) const {
  if (overrides)
    if (auto i = overrides->find(published.metadata_id()); i != overrides->end())
      return with_override(published, *i->second);
  return published;
}

namespace {

/// The names in a `clusters` text, in order. A lone or trailing comma asks for nothing.
std::vector<std::string_view> clusters_of(std::string_view text) {
  auto names = split(text, ',');
  std::erase(names, std::string_view());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

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
  auto clusters = clusters_of(wanted.clusters);
  auto in_cluster = [&](const instance& x) {
    return clusters.empty() || std::binary_search(clusters.begin(), clusters.end(), x.cluster_name);
  };
  selection_result result;
  if (clusters.empty())
    result.instances.reserve(instances);
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

namespace {

/// Lists of some of the clusters are kept while they show, all together, no more instances than
/// this or than twice those of the service, which is each cluster's own list with and without
/// unhealthy ones. More of them, which callers may make up, are made for their caller alone.
constexpr std::size_t hosts_of_parts_max = 16'384;

} // namespace

rendered_hosts_ptr service_view::hosts_of(const instance_selection& wanted) const {
  auto& made = lists.get();
  std::call_once(made.names_once, [&] {
    std::set<std::string> names;
    publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        names.insert(one.cluster_name);
    });
    made.names.assign(names.begin(), names.end());
  });
  rendered_lists::choice choice;
  choice.healthy_only = wanted.healthy_only;
  choice.enabled_only = wanted.enabled_only;
  auto asked = clusters_of(wanted.clusters);
  std::set_intersection(made.names.begin(), made.names.end(), asked.begin(), asked.end(),
                        std::back_inserter(choice.clusters));
  choice.none = !asked.empty() && choice.clusters.empty();
  if (choice.clusters.size() == made.names.size())
    choice.clusters.clear(); // as good as all
  auto keeps = [&](const rendered_hosts_ptr& x) {
    if (choice.is_all())
      return true;
    auto max = std::max(hosts_of_parts_max, std::size_t{2} * instances);
    if (made.hosts_of_parts.fetch_add(x->count) + x->count <= max)
      return true;
    made.hosts_of_parts -= x->count;
    return false;
  };
  return made.hosts.get(
    choice, [&] { return render_hosts(key->view(), select(wanted)); }, keeps, choice.is_all());
}

rendered_list_ptr service_view::rendered(const instance_selection& wanted,
                                         std::int64_t cache_millis) const {
  rendered_lists::variant variant{std::string(wanted.clusters), cache_millis, wanted.healthy_only,
                                  wanted.enabled_only};
  auto make = [&] {
    return std::make_shared<const rendered_list>(
      render_list(key->view(), wanted.clusters, hosts_of(wanted), cache_millis, ref_time));
  };
  // Instances that were made for this caller alone are nobody else's.
  auto keeps = [](const rendered_list_ptr& x) { return x->array.use_count() > 1; };
  return lists.get().whole.get(variant, make, keeps);
}

/// Null if there is none.
static const instance* find_in(const publication& x, std::string_view ip, std::uint16_t port,
                               std::string_view cluster) {
  for (auto& one : x.instances)
    if (one.ip == ip && one.port == port && one.cluster_name == cluster)
      return &one;
  return nullptr;
}

const instance* service_view::find_published(std::string_view ip, std::uint16_t port,
                                             std::string_view cluster) const {
  for (auto kind : {client_kind::ephemeral, client_kind::persistent})
    if (auto x = publications.find(client_id{std::string(ip), port, kind}))
      if (auto found = find_in(**x, ip, port, cluster))
        return found;
  return nullptr;
}

std::optional<instance> service_view::find_instance(std::string_view ip, std::uint16_t port,
                                                    std::string_view cluster) const {
  auto found = find_published(ip, port, cluster);
  publications.for_each([&](const publication_ptr& x) {
    if (!found && is_connection(x->lease->client.kind))
      found = find_in(*x, ip, port, cluster);
  });
  return found ? std::optional(effective(*found)) : std::nullopt;
}

rendered_hosts_ptr render_hosts(const service_key_view& key, const selection_result& chosen) {
  constexpr std::size_t host_bytes = 320; // about
  std::string out;
  out.reserve(chosen.instances.size() * host_bytes + 2);
  host_json host(key);
  out += '[';
  for (auto& x : chosen.instances) {
    if (out.size() > 1)
      out += ',';
    host.append(out, x.effective, x.shown_healthy);
  }
  out += ']';
  out.shrink_to_fit();
  return std::make_shared<const rendered_hosts>(
    rendered_hosts{std::move(out), chosen.instances.size(), chosen.reaches_protection});
}

rendered_list render_list(const service_key_view& key, std::string_view clusters,
                          rendered_hosts_ptr hosts, std::int64_t cache_millis, wall_time ref_time) {
  rendered_list list;
  json_writer out;
  out.begin_object()
    .field("name", key.grouped_name())
    .field("groupName", key.group)
    .field("clusters", clusters)
    .field("cacheMillis", cache_millis)
    .key("hosts")
    .raw("");
  auto head_size = out.size();
  out.field("lastRefTime", to_ms(ref_time))
    .field("checksum", "")
    .field("allIPs", false)
    .field("reachProtectionThreshold", hosts->reaches_protection)
    .field("valid", true)
    .end_object();
  list.head = out.take();
  list.tail = list.head.substr(head_size);
  list.head.resize(head_size);
  list.array = std::move(hosts);
  return list;
}

std::string render_push(const service_key_view& key, std::string_view clusters,
                        const rendered_list& list, std::int64_t cache_millis, wall_time ref_time) {
  json_writer out;
  out.begin_object()
    .field("name", key.grouped_name())
    .field("clusters", clusters)
    .field("cacheMillis", cache_millis)
    .key("hosts")
    .raw(list.hosts());
  out.field("lastRefTime", to_ms(ref_time))
    .field("checksum", "")
    .field("allIPs", false)
    .field("reachProtectionThreshold", list.array->reaches_protection)
    .field("valid", true)
    .end_object();
  return out.take();
}

} // namespace nacre
