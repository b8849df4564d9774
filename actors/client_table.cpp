#include "actors/client_table.hpp"

#include <algorithm>
#include <utility>

namespace nacre {

namespace {

// A client's items are sorted by service: one ip:port may subscribe thousands of services.
template <class Items>
auto position(Items& items, const service_key_view& service) {
  return std::lower_bound(items.begin(), items.end(), service,
                          [](auto& x, const service_key_view& key) {
                            return x->held_by->service->view() < key;
                          });
}

template <class Items, class Position>
bool holds(const Items& items, Position i, const service_key_view& service) {
  return i != items.end() && (*i)->held_by->service->view() == service;
}

template <class Items>
auto find_in(const Items& items, const service_key_view& service) {
  auto i = position(items, service);
  return holds(items, i, service) ? *i : typename Items::value_type{};
}

/// @returns what was there before, null if nothing.
template <class Items, class Item>
Item put_into(Items& items, const Item& x) {
  auto service = x->held_by->service->view();
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

publication_ptr client_table::find(const client_id& client, const service_key_view& service) const {
  auto r = find_row(client);
  return r ? find_in(r->publications, service) : nullptr;
}

subscriber_ptr client_table::find_subscription(const client_id& client,
                                               const service_key_view& service) const {
  auto r = find_row(client);
  return r ? find_in(r->subscriptions, service) : nullptr;
}

void client_table::schedule(const lease_ptr& x, std::int64_t due_ms, std::int64_t now_ms) {
  checks_.push({std::min(due_ms, now_ms + check_interval_max_ms), x});
  x->looked_after = true;
}

void client_table::put(const publication_ptr& x, std::int64_t now_ms) {
  const auto& held_by = x->held_by;
  auto before = put_into(rows_[held_by->client].publications, x);
  publications_ += before ? 0 : 1;
  // A lease that is already known has its next check scheduled.
  bool has_check = before && before->held_by == held_by;
  if (!has_check && held_by->client.kind == client_kind::ephemeral)
    schedule(held_by,
             now_ms + 1
               + std::min<std::int64_t>(held_by->beat_timeout_ms, held_by->delete_timeout_ms),
             now_ms);
}

void client_table::put(const subscriber_ptr& x, std::int64_t now_ms) {
  const auto& held_by = x->held_by;
  auto before = put_into(rows_[held_by->client].subscriptions, x);
  subscriptions_ += before ? 0 : 1;
  if (!before || before->held_by != held_by)
    schedule(held_by, now_ms + check_interval_max_ms, now_ms);
}

publication_ptr client_table::remove(const client_id& client, const service_key_view& service) {
  auto i = rows_.find(client);
  if (i == rows_.end())
    return nullptr;
  auto taken = take_from(i->second.publications, service);
  publications_ -= taken ? 1 : 0;
  if (i->second.publications.empty() && i->second.subscriptions.empty())
    rows_.erase(i);
  return taken;
}

subscriber_ptr client_table::remove_subscription(const client_id& client,
                                                 const service_key_view& service) {
  auto i = rows_.find(client);
  if (i == rows_.end())
    return nullptr;
  auto taken = take_from(i->second.subscriptions, service);
  subscriptions_ -= taken ? 1 : 0;
  if (i->second.publications.empty() && i->second.subscriptions.empty())
    rows_.erase(i);
  return taken;
}

bool client_table::is_current(const lease& x, bool& publishes) const {
  auto r = find_row(x.client);
  if (!r)
    return false;
  auto published = find_in(r->publications, x.service->view());
  publishes = published && published->held_by.get() == &x;
  if (publishes)
    return true;
  auto subscribed = find_in(r->subscriptions, x.service->view());
  return subscribed && subscribed->held_by.get() == &x;
}

void client_table::judge(const lease_ptr& x, bool publishes, std::int64_t now_ms,
                         const lapse_rules& rules, std::vector<lapse>& lapses) {
  auto renewed = rules.terms_from(*x);
  auto idle = now_ms - renewed;
  if (!publishes) {
    if (idle > rules.subscriber_timeout_ms)
      lapses.push_back({lapse::kind::unsubscribed, x});
    schedule(x, std::max(renewed + rules.subscriber_timeout_ms, now_ms) + 1, now_ms);
    return;
  }
  if (x->judged_elsewhere)
    return; // until `look_after`
  if (!rules.checks_enabled || x->exempt)
    return schedule(x, now_ms + check_interval_max_ms, now_ms);
  const std::int64_t beat_timeout = x->beat_timeout_ms;
  const std::int64_t delete_timeout = x->delete_timeout_ms;
  if (rules.expire_instance && idle > delete_timeout)
    lapses.push_back({lapse::kind::removed, x});
  else if (idle > beat_timeout && x->healthy)
    lapses.push_back({lapse::kind::unhealthy, x});
  auto next = renewed
              + (idle > beat_timeout ? delete_timeout : std::min(beat_timeout, delete_timeout));
  // A lease that is past all its terms (removal switched off) still has to be looked at.
  schedule(x, (next < now_ms ? now_ms + check_interval_max_ms : next) + 1, now_ms);
}

std::vector<lapse> client_table::due(std::int64_t now_ms, const lapse_rules& rules) {
  std::vector<lapse> lapses;
  while (!checks_.empty() && checks_.top().due_ms <= now_ms) {
    auto held_by = checks_.top().held_by;
    checks_.pop();
    held_by->looked_after = false;
    bool publishes = false;
    if (is_current(*held_by, publishes))
      judge(held_by, publishes, now_ms, rules, lapses);
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
