#include "actors/naming/client_table.hpp"

#include <algorithm>
#include <utility>

namespace nacre {

using namespace std::chrono_literals;

namespace {

// A client's items are sorted by service: one ip:port may subscribe thousands of services.
template <class Items>
auto position(Items& items, const service_key_view& service) {
  return std::lower_bound(
    items.begin(), items.end(), service,
    [](auto& x, const service_key_view& key) { return x->lease->service->view() < key; });
}

template <class Items, class Position>
bool holds(const Items& items, Position i, const service_key_view& service) {
  return i != items.end() && (*i)->lease->service->view() == service;
}

template <class Items>
auto find_in(const Items& items, const service_key_view& service) {
  auto i = position(items, service);
  return holds(items, i, service) ? *i : typename Items::value_type{};
}

/// @returns what was there before, null if nothing.
template <class Items, class Item>
Item put_into(Items& items, const Item& x) {
  auto service = x->lease->service->view();
  auto i = position(items, service);
  if (holds(items, i, service))
    return std::exchange(*i, x);
  items.insert(i, x);
  return nullptr;
}

template <class Items>
auto take_from(Items& items, const service_key_view& service) {
  typename Items::value_type taken;
  if (auto i = position(items, service); holds(items, i, service)) {
    taken = std::move(*i);
    items.erase(i);
  }
  return taken;
}

} // namespace

const client_table::row* client_table::find_row(const client_id& client) const {
  auto i = rows_.find(client);
  return i == rows_.end() ? nullptr : &i->second;
}

client_table::row& client_table::row_of(const client_id& client) {
  auto [i, is_new] = rows_.try_emplace(client);
  persistent_clients_ += is_new && client.kind == client_kind::persistent ? 1 : 0;
  return i->second;
}

void client_table::erase_if_empty(row_map::iterator i) {
  if (!i->second.publications.empty() || !i->second.subscriptions.empty())
    return;
  persistent_clients_ -= i->first.kind == client_kind::persistent ? 1 : 0;
  rows_.erase(i);
}

publication_ptr client_table::find(const client_id& client, const service_key_view& service) const {
  auto r = find_row(client);
  return r ? find_in(r->publications, service) : nullptr;
}

subscriber_ptr client_table::find_subscription(const client_id& client,
                                               const service_key_view& service) const {
  auto r = find_row(client);
  return r ? find_in(r->subscriptions, service) : nullptr;
}

void client_table::schedule(const lease_ptr& x, steady_time due, steady_time now) {
  checks_.push({std::min(due, now + check_interval_max), x});
  x->check_scheduled = true;
}

void client_table::put(const publication_ptr& x, steady_time now) {
  const auto& lease = x->lease;
  auto before = put_into(row_of(lease->client).publications, x);
  publications_ += before ? 0 : 1;
  // A lease that is already known has its next check scheduled.
  bool has_check = before && before->lease == lease;
  if (!has_check && lease->client.kind == client_kind::ephemeral)
    schedule(lease, now + 1ms + std::min(lease->beat_timeout.load(), lease->delete_timeout.load()),
             now);
}

void client_table::put(const subscriber_ptr& x, steady_time now) {
  const auto& lease = x->lease;
  auto before = put_into(row_of(lease->client).subscriptions, x);
  subscriptions_ += before ? 0 : 1;
  if (!before || before->lease != lease)
    schedule(lease, now + check_interval_max, now);
}

publication_ptr client_table::remove(const client_id& client, const service_key_view& service) {
  auto i = rows_.find(client);
  if (i == rows_.end())
    return nullptr;
  auto taken = take_from(i->second.publications, service);
  publications_ -= taken ? 1 : 0;
  erase_if_empty(i);
  return taken;
}

subscriber_ptr client_table::remove_subscription(const client_id& client,
                                                 const service_key_view& service) {
  auto i = rows_.find(client);
  if (i == rows_.end())
    return nullptr;
  auto taken = take_from(i->second.subscriptions, service);
  subscriptions_ -= taken ? 1 : 0;
  erase_if_empty(i);
  return taken;
}

bool client_table::is_current(const lease& x, bool& publishes) const {
  auto r = find_row(x.client);
  if (!r)
    return false;
  auto published = find_in(r->publications, x.service->view());
  publishes = published && published->lease.get() == &x;
  if (publishes)
    return true;
  auto subscribed = find_in(r->subscriptions, x.service->view());
  return subscribed && subscribed->lease.get() == &x;
}

void client_table::check_lease(const lease_ptr& x, bool publishes, steady_time now,
                               const lapse_rules& rules, std::vector<lapse>& lapses) {
  auto renewed = rules.term_starts(*x);
  auto idle = now - renewed;
  if (!publishes) {
    if (idle > rules.subscriber_timeout)
      lapses.push_back({lapse::kind::unsubscribed, x});
    schedule(x, std::max(renewed + rules.subscriber_timeout, now) + 1ms, now);
    return;
  }
  if (x->responsible_elsewhere)
    return; // until `schedule_check`
  if (!rules.checks_enabled || x->exempt)
    return schedule(x, now + check_interval_max, now);
  auto beat_timeout = x->beat_timeout.load();
  auto delete_timeout = x->delete_timeout.load();
  if (rules.expire_instance && idle > delete_timeout)
    lapses.push_back({lapse::kind::removed, x});
  else if (idle > beat_timeout && x->healthy)
    lapses.push_back({lapse::kind::unhealthy, x});
  auto next =
    renewed + (idle > beat_timeout ? delete_timeout : std::min(beat_timeout, delete_timeout));
  // A lease that is past all its terms (removal switched off) still has to be looked at.
  schedule(x, (next < now ? now + check_interval_max : next) + 1ms, now);
}

std::vector<lapse> client_table::due(steady_time now, const lapse_rules& rules) {
  std::vector<lapse> lapses;
  while (!checks_.empty() && checks_.top().due <= now) {
    auto lease = checks_.top().lease;
    checks_.pop();
    lease->check_scheduled = false;
    bool publishes = false;
    if (is_current(*lease, publishes))
      check_lease(lease, publishes, now, rules, lapses);
  }
  return lapses;
}

void client_table::collect(const service_key_view& service,
                           std::vector<publication_ptr>& publications,
                           std::vector<subscriber_ptr>& subscribers) const {
  for (auto& [client, r] : rows_) {
    if (auto x = find_in(r.publications, service))
      publications.push_back(x);
    if (auto x = find_in(r.subscriptions, service))
      subscribers.push_back(x);
  }
}

} // namespace nacre
