#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "actors/base/few.hpp"
#include "actors/base/persistent_set.hpp"
#include "actors/tables/lease.hpp"
#include "protocol/instance.hpp"

namespace nacre {

/// Nearly always one.
using instance_list = few<instance>;

/// What one client publishes for one service: one instance for an ip:port client. Immutable; a
/// change makes a new one that keeps the lease.
struct publication : boost::intrusive_ref_counter<publication, boost::thread_safe_counter> {
  publication(lease_ptr l, instance_list xs) : lease(std::move(l)), instances(std::move(xs)) {}

  bool ephemeral() const { return lease->client.kind != client_kind::persistent; }

  /// Whether lists show anything unhealthy of it.
  bool healthy() const {
    return std::all_of(instances.begin(), instances.end(), [](auto& x) { return x.healthy; });
  }

  const lease_ptr lease;
  /// One for an ip:port client; any number, also none, for a connection.
  const instance_list instances;
};

using publication_ptr = boost::intrusive_ptr<const publication>;

inline publication_ptr make_publication(lease_ptr lease, instance_list instances) {
  return new publication(std::move(lease), std::move(instances));
}

bool same_publication(const publication& a, const publication& b);

/// Where the instances of one publication are: one look-up for each instance of another one, as a
/// connection may hold very many. The publication has to outlive it.
class publication_addresses {
public:
  explicit publication_addresses(const publication& x);

  /// Whether `x` has an instance at one of them: the same ip, port and cluster.
  bool meet(const publication& x) const;

private:
  std::set<std::tuple<std::string_view, std::uint16_t, std::string_view>> known_;
};

/// `x` with the health of all its instances set.
publication_ptr with_health(const publication& x, bool healthy);

/// A client that wants to hear of the changes of one service.
struct subscriber : boost::intrusive_ref_counter<subscriber, boost::thread_safe_counter> {
  subscriber(lease_ptr l, std::vector<std::string> wanted, shared_text app_name,
             shared_text user_agent, short_text ip_of_client = {})
    : lease(std::move(l)),
      clusters(std::move(wanted)),
      app(std::move(app_name)),
      agent(std::move(user_agent)),
      client_ip(std::move(ip_of_client)) {}

  bool wants(std::string_view wanted) const {
    return std::find(clusters.begin(), clusters.end(), wanted) != clusters.end();
  }

  /// Where the client is, as operators are shown it.
  std::string ip() const { return (client_ip.empty() ? lease->client.ip : client_ip).str(); }
  std::string address() const {
    return client_ip.empty() ? lease->client.address() : client_ip.str();
  }

  /// One address may ask for several selections of a service; more replace the oldest.
  static constexpr std::size_t clusters_max = 8;

  const lease_ptr lease;
  /// The `clusters` texts as the client wrote them, last one asked for at the end: each gets a
  /// push that echoes it.
  const std::vector<std::string> clusters;
  const shared_text app;
  const shared_text agent;
  /// Of a connection; empty for an ip:port client, whose id says it.
  const short_text client_ip;
};

using subscriber_ptr = boost::intrusive_ptr<const subscriber>;

bool same_subscriber(const subscriber& a, const subscriber& b);

/// The selections of `known` (null: none yet) and `wanted`, which replaces the oldest at the bound.
std::vector<std::string> with_selection(const subscriber* known, const std::string& wanted);

/// Both are kept by their client's id.
struct key_by_client {
  template <class Pointer>
  const client_id& operator()(const Pointer& x) const {
    return x->lease->client;
  }
};

using publication_set = persistent_set<publication_ptr, key_by_client>;
using subscriber_set = persistent_set<subscriber_ptr, key_by_client>;

} // namespace nacre
