#include "actors/naming/client_table.hpp"

#include <algorithm>
#include <utility>

namespace nacre {

using namespace std::chrono_literals;

namespace {

// A client's items are sorted by service.
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
  using item = std::remove_cvref_t<decltype(*i)>;
  return holds(items, i, service) ? *i : item{};
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

const client_table::lists* client_table::find_other(const client_id& client) const {
  auto i = others_.empty() ? others_.end() : others_.find(client);
  return i == others_.end() ? nullptr : &i->second;
}

client_table::lists& client_table::widen(const client_id& client) {
  auto [i, is_new] = others_.try_emplace(client);
  if (!is_new)
    return i->second;
  if (auto* known = find_sole(client)) {
    auto sole = *known;
    i->second.publications.push_back(sole);
    sole_.erase(*sole);
  } else {
    count(client, 1);
  }
  return i->second;
}

void client_table::count(const client_id& client, int more) {
  persistent_clients_ += client.kind == client_kind::persistent ? more : 0;
}

void client_table::tidy(other_clients::iterator i) {
  if (!i->second.publications.empty() || !i->second.subscriptions.empty())
    return;
  count(i->first, -1);
  others_.erase(i);
}

publication_ptr client_table::find(const client_id& client, const service_key_view& service) const {
  if (auto* sole = find_sole(client))
    return (*sole)->lease->service->view() == service ? *sole : nullptr;
  auto* other = find_other(client);
  return other ? find_in(other->publications, service) : nullptr;
}

subscriber_ptr client_table::find_subscription(const client_id& client,
                                               const service_key_view& service) const {
  auto* other = find_other(client);
  return other ? find_in(other->subscriptions, service) : nullptr;
}

void client_table::schedule_publisher(const lease_ptr& x, steady_time due, steady_time now) {
  publisher_checks_.push(std::min(due, now + check_interval_max), x);
  x->check_scheduled = true;
}

void client_table::schedule_subscriber(const lease_ptr& x, steady_time due, steady_time now) {
  subscriber_checks_.push(std::min(due, now + check_interval_max), x);
}

publication_ptr client_table::put_row(const publication_ptr& x) {
  auto& client = x->lease->client;
  if (auto* sole = find_sole(client)) {
    if ((*sole)->lease->service != x->lease->service)
      return put_into(widen(client).publications, x);
    auto before = *sole;
    sole_.put(x);
    return before;
  }
  if (find_other(client))
    return put_into(widen(client).publications, x);
  count(client, 1);
  sole_.put(x);
  return nullptr;
}

void client_table::put(const publication_ptr& x, steady_time now) {
  const auto& lease = x->lease;
  auto before = put_row(x);
  publications_ += before ? 0 : 1;
  // A lease that is already known has its next check scheduled.
  bool has_check = before && before->lease == lease;
  if (!has_check && lease->client.kind == client_kind::ephemeral)
    schedule_publisher(
      lease, now + 1ms + std::min(lease->beat_timeout.load(), lease->delete_timeout.load()), now);
}

void client_table::put(const subscriber_ptr& x, steady_time now) {
  const auto& lease = x->lease;
  auto before = put_into(widen(lease->client).subscriptions, x);
  subscriptions_ += before ? 0 : 1;
  if (!before || before->lease != lease)
    schedule_subscriber(lease, now + check_interval_max, now);
}

publication_ptr client_table::remove(const client_id& client, const service_key_view& service) {
  publication_ptr taken;
  if (auto* sole = find_sole(client)) {
    if ((*sole)->lease->service->view() != service)
      return nullptr;
    taken = *sole;
    sole_.erase(*taken);
    count(client, -1);
  } else if (auto i = others_.find(client); i != others_.end()) {
    taken = take_from(i->second.publications, service);
    tidy(i);
  }
  publications_ -= taken ? 1 : 0;
  return taken;
}

subscriber_ptr client_table::remove_subscription(const client_id& client,
                                                 const service_key_view& service) {
  auto i = others_.find(client);
  if (i == others_.end())
    return nullptr;
  auto taken = take_from(i->second.subscriptions, service);
  subscriptions_ -= taken ? 1 : 0;
  tidy(i);
  return taken;
}

bool client_table::publishes(const lease& x) const {
  auto known = find(x.client, x.service->view());
  return known && known->lease.get() == &x;
}

bool client_table::subscribes(const lease& x) const {
  auto known = find_subscription(x.client, x.service->view());
  return known && known->lease.get() == &x;
}

void client_table::check_subscriber(const lease_ptr& x, steady_time now, const lapse_rules& rules,
                                    std::vector<lapse>& lapses) {
  if (!subscribes(*x))
    return;
  auto renewed = rules.term_starts(*x);
  if (now - renewed > rules.subscriber_timeout)
    lapses.push_back({lapse::kind::unsubscribed, x});
  schedule_subscriber(x, std::max(renewed + rules.subscriber_timeout, now) + 1ms, now);
}

void client_table::check_publisher(const lease_ptr& x, steady_time now, const lapse_rules& rules,
                                   std::vector<lapse>& lapses) {
  x->check_scheduled = false;
  if (x->responsible_elsewhere)
    return; // until `schedule_check`
  auto renewed = rules.term_starts(*x);
  auto idle = now - renewed;
  auto beat_timeout = x->beat_timeout.load();
  auto delete_timeout = x->delete_timeout.load();
  // Nearly all beat in time: they are not looked up, which costs more than all else. One that is in
  // the table no longer is not renewed, and so found when its term ends.
  if (auto shorter = std::min(beat_timeout, delete_timeout); idle <= shorter)
    return schedule_publisher(x, renewed + shorter + 1ms, now);
  if (!publishes(*x))
    return;
  if (!rules.checks_enabled || x->exempt)
    return schedule_publisher(x, now + check_interval_max, now);
  if (rules.expire_instance && idle > delete_timeout)
    lapses.push_back({lapse::kind::removed, x});
  else if (idle > beat_timeout && x->healthy)
    lapses.push_back({lapse::kind::unhealthy, x});
  auto next =
    renewed + (idle > beat_timeout ? delete_timeout : std::min(beat_timeout, delete_timeout));
  // A lease that is past all its terms (removal switched off) still has to be looked at.
  schedule_publisher(x, (next < now ? now + check_interval_max : next) + 1ms, now);
}

std::vector<lapse> client_table::due(steady_time now, const lapse_rules& rules) {
  std::vector<lapse> lapses;
  std::size_t looks = 0;
  auto goes_on = [&](lease_checks& checks) {
    return looks++ < looks_max && lapses.size() < lapses_max && checks.has_due(now);
  };
  while (goes_on(publisher_checks_)) {
    auto lease = publisher_checks_.take();
    if (lease->use_count() > 1) // else nobody knows it any more
      check_publisher(lease, now, rules, lapses);
  }
  while (goes_on(subscriber_checks_)) {
    auto lease = subscriber_checks_.take();
    check_subscriber(lease, now, rules, lapses);
  }
  return lapses;
}

void client_table::collect(const service_key_view& service,
                           std::vector<publication_ptr>& publications,
                           std::vector<subscriber_ptr>& subscribers) const {
  for_each_publication([&](const publication_ptr& x) {
    if (x->lease->service->view() == service)
      publications.push_back(x);
  });
  for (auto& [client, of_it] : others_)
    if (auto x = find_in(of_it.subscriptions, service))
      subscribers.push_back(x);
}

} // namespace nacre
