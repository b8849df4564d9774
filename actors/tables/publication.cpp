#include "actors/tables/publication.hpp"

#include <algorithm>

namespace nacre {

namespace {

std::tuple<std::string_view, std::uint16_t, std::string_view> address_of(const instance& x) {
  return {x.ip, x.port, x.cluster_name};
}

} // namespace

bool same_publication(const publication& a, const publication& b) {
  return a.lease == b.lease
         && std::equal(a.instances.begin(), a.instances.end(), b.instances.begin(),
                       b.instances.end(), same_instance);
}

publication_addresses::publication_addresses(const publication& x) {
  for (auto& one : x.instances)
    known_.insert(address_of(one));
}

bool publication_addresses::meet(const publication& x) const {
  return std::any_of(x.instances.begin(), x.instances.end(),
                     [&](auto& one) { return known_.contains(address_of(one)); });
}

publication_ptr with_health(const publication& x, bool healthy) {
  auto instances = x.instances;
  for (auto& one : instances)
    one.healthy = healthy;
  return make_publication(x.lease, std::move(instances));
}

std::vector<std::string> with_selection(const subscriber* known, const std::string& wanted) {
  auto clusters = known ? known->clusters : std::vector<std::string>{};
  if (known && known->wants(wanted))
    return clusters;
  if (clusters.size() == subscriber::clusters_max)
    clusters.erase(clusters.begin());
  clusters.push_back(wanted);
  return clusters;
}

bool same_subscriber(const subscriber& a, const subscriber& b) {
  return a.lease == b.lease && a.clusters == b.clusters && a.app == b.app && a.agent == b.agent;
}

} // namespace nacre
