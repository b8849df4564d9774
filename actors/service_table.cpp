#include "actors/service_table.hpp"

#include <algorithm>

namespace nacre {

namespace {

bool is_connection(const publication& x) { return is_connection(x.held_by->client.kind); }

} // namespace

void service_table::touch(std::int64_t now_ms) {
  ++state_.revision;
  // Above every time that was told before, also within one millisecond, and above what a query
  // was told while the service did not exist (the wall clock itself).
  state_.ref_time_ms = std::max(state_.ref_time_ms, now_ms) + 1;
  state_.lists = std::make_shared<rendered_lists>();
}

void service_table::apply_terms(const publication& x) const {
  const auto& held = *x.held_by;
  if (is_connection(x))
    return; // kept by its connection, not by beats
  const auto& published = x.instances.front();
  const metadata_map* metadata = &published.metadata;
  metadata_map over;
  if (state_.overlays) {
    if (auto i = state_.overlays->find(published.metadata_id()); i != state_.overlays->end()) {
      over = merged(published.metadata, i->second.metadata);
      metadata = &over;
    }
  }
  held.set_terms(lease_terms_of(*metadata));
  held.own_interval = find_metadata(*metadata, "preserved.heart.beat.interval") != nullptr;
  held.exempt = exempt_from_beat_checks(*metadata)
                || (state_.metadata && exempt_from_beat_checks(state_.metadata->metadata));
}

publish_result service_table::publish(const publication_ptr& x, std::int64_t now_ms,
                                      const publication_ptr& likely_before) {
  auto kind = x->ephemeral() ? service_kind::ephemeral : service_kind::persistent;
  if (state_.kind != service_kind::undecided && state_.kind != kind)
    return {publish_result::conflict};
  auto place = state_.publications.locate(x->held_by->client, likely_before);
  auto known = state_.publications.at(place);
  auto before = known ? *known : nullptr;
  if (before && same_publication(*before, *x))
    return {publish_result::unchanged, std::move(before)};
  state_.kind = kind;
  state_.listed = true;
  state_.publications = state_.publications.with(x, place);
  state_.instances += x->instances.size() - (before ? before->instances.size() : 0);
  state_.connections += !before && is_connection(*x) ? 1 : 0;
  apply_terms(*x);
  touch(now_ms);
  return {before ? publish_result::updated : publish_result::added, std::move(before)};
}

publication_ptr service_table::withdraw(const client_id& client, std::int64_t now_ms) {
  auto known = state_.publications.find(client);
  if (!known)
    return nullptr;
  auto gone = *known;
  state_.publications = state_.publications.without(client);
  state_.instances -= gone->instances.size();
  state_.connections -= is_connection(*gone) ? 1 : 0;
  touch(now_ms);
  return gone;
}

bool service_table::subscribe(const subscriber_ptr& x) {
  auto known = state_.subscribers.find(x->held_by->client);
  if (known && same_subscriber(**known, *x))
    return false;
  state_.subscribers = state_.subscribers.with(x);
  return true;
}

subscriber_ptr service_table::unsubscribe(const client_id& client) {
  auto known = state_.subscribers.find(client);
  if (!known)
    return nullptr;
  auto gone = *known;
  state_.subscribers = state_.subscribers.without(client);
  return gone;
}

bool service_table::set_stored(overlay_table_ptr overlays, service_metadata_ptr metadata,
                               std::int64_t now_ms) {
  if (overlays == state_.overlays && metadata == state_.metadata)
    return false;
  state_.overlays = std::move(overlays);
  state_.metadata = std::move(metadata);
  state_.publications.for_each([this](const publication_ptr& x) { apply_terms(*x); });
  touch(now_ms);
  return true;
}

void service_table::create(bool ephemeral, std::int64_t now_ms) {
  if (!state_.listed || state_.kind == service_kind::undecided)
    state_.kind = ephemeral ? service_kind::ephemeral : service_kind::persistent;
  state_.listed = true;
  touch(now_ms);
}

void service_table::unlist(std::int64_t now_ms) {
  state_.listed = false;
  state_.kind = service_kind::undecided;
  state_.metadata = nullptr;
  state_.overlays = nullptr;
  touch(now_ms);
}

void service_table::continue_after(const service_view& last) {
  state_.revision = last.revision;
  state_.ref_time_ms = last.ref_time_ms;
  state_.kind = last.kind;
  state_.listed = last.listed;
  // What is rebuilt may differ from what was shown last, so it may not have the same time.
  touch(last.ref_time_ms);
}

service_view_ptr service_table::make_view() const {
  boost::intrusive_ptr<service_view> view(new service_view);
  view->key = state_.key;
  view->revision = state_.revision;
  view->ref_time_ms = state_.ref_time_ms;
  view->kind = state_.kind;
  view->listed = state_.listed;
  view->publications = state_.publications;
  view->instances = state_.instances;
  view->connections = state_.connections;
  view->subscribers = state_.subscribers;
  view->overlays = state_.overlays;
  view->metadata = state_.metadata;
  view->lists = state_.lists;
  return view;
}

} // namespace nacre
