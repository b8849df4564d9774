#include "actors/naming/service_table.hpp"

#include <algorithm>

namespace nacre {

namespace {

bool is_connection(const publication& x) { return is_connection(x.lease->client.kind); }

} // namespace

void service_table::touch(wall_time now) {
  ++facts_.revision;
  // Above every time that was told before, also within one millisecond, and above what a query
  // was told while the service did not exist (the wall clock itself).
  facts_.ref_time = std::max(facts_.ref_time, now) + milliseconds(1);
  facts_.lists = std::make_shared<rendered_lists>();
}

void service_table::apply_terms(const publication& x) const {
  const auto& held = *x.lease;
  if (is_connection(x))
    return; // kept by its connection, not by beats
  const auto& published = x.instances.front();
  const metadata_map* metadata = &published.metadata.map();
  metadata_map over;
  if (facts_.overrides) {
    if (auto i = facts_.overrides->find(published.metadata_id()); i != facts_.overrides->end()) {
      over = merged(published.metadata, i->second->metadata);
      metadata = &over;
    }
  }
  held.set_terms(lease_terms_of(*metadata));
  held.own_interval = find_metadata(*metadata, "preserved.heart.beat.interval") != nullptr;
  held.exempt = exempt_from_beat_checks(*metadata)
                || (facts_.metadata && exempt_from_beat_checks(facts_.metadata->metadata));
}

publish_result service_table::publish(const publication_ptr& x, wall_time now,
                                      const publication_ptr& likely_before) {
  auto kind = x->ephemeral() ? service_kind::ephemeral : service_kind::persistent;
  if (facts_.kind != service_kind::undecided && facts_.kind != kind)
    return {publish_result::conflict};
  auto place = facts_.publications.locate(x->lease->client, likely_before);
  auto known = facts_.publications.at(place);
  auto before = known ? *known : nullptr;
  if (before && same_publication(*before, *x))
    return {publish_result::unchanged, std::move(before)};
  facts_.kind = kind;
  facts_.listed = true;
  facts_.publications = facts_.publications.with(x, place);
  facts_.instances += x->instances.size() - (before ? before->instances.size() : 0);
  facts_.connections += !before && is_connection(*x) ? 1 : 0;
  apply_terms(*x);
  touch(now);
  return {before ? publish_result::updated : publish_result::added, std::move(before)};
}

publication_ptr service_table::withdraw(const client_id& client, wall_time now) {
  auto known = facts_.publications.find(client);
  if (!known)
    return nullptr;
  auto gone = *known;
  facts_.publications = facts_.publications.without(client);
  facts_.instances -= gone->instances.size();
  facts_.connections -= is_connection(*gone) ? 1 : 0;
  touch(now);
  return gone;
}

bool service_table::subscribe(const subscriber_ptr& x) {
  auto known = facts_.subscribers.find(x->lease->client);
  if (known && same_subscriber(**known, *x))
    return false;
  facts_.subscribers = facts_.subscribers.with(x);
  return true;
}

subscriber_ptr service_table::unsubscribe(const client_id& client) {
  auto known = facts_.subscribers.find(client);
  if (!known)
    return nullptr;
  auto gone = *known;
  facts_.subscribers = facts_.subscribers.without(client);
  return gone;
}

bool service_table::set_stored(override_table_ptr overrides, service_metadata_ptr metadata,
                               wall_time now) {
  if (overrides == facts_.overrides && metadata == facts_.metadata)
    return false;
  facts_.overrides = std::move(overrides);
  facts_.metadata = std::move(metadata);
  facts_.publications.for_each([this](const publication_ptr& x) { apply_terms(*x); });
  touch(now);
  return true;
}

std::vector<publication_ptr> service_table::become_persistent(wall_time now) {
  std::vector<publication_ptr> ended;
  facts_.publications.for_each([&](const publication_ptr& x) { ended.push_back(x); });
  facts_.publications = {};
  facts_.instances = facts_.connections = 0;
  facts_.kind = service_kind::persistent;
  touch(now);
  return ended;
}

void service_table::create(bool ephemeral, wall_time now) {
  if (!facts_.listed || facts_.kind == service_kind::undecided)
    facts_.kind = ephemeral ? service_kind::ephemeral : service_kind::persistent;
  facts_.listed = true;
  touch(now);
}

void service_table::unlist(wall_time now) {
  facts_.listed = false;
  facts_.kind = service_kind::undecided;
  facts_.metadata = nullptr;
  facts_.overrides = nullptr;
  touch(now);
}

void service_table::continue_after(const service_view& last) {
  facts_.revision = last.revision;
  facts_.ref_time = last.ref_time;
  facts_.kind = last.kind;
  facts_.listed = last.listed;
  // What is rebuilt may differ from what was shown last, so it may not have the same time.
  touch(last.ref_time);
}

service_view_ptr service_table::make_view() const { return new service_view(facts_); }

} // namespace nacre
