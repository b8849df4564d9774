#include "actors/naming/service_table.hpp"

#include <algorithm>
#include <utility>

namespace nacre {

namespace {

bool is_connection(const publication& x) { return is_connection(x.lease->client.kind); }

std::uint32_t size_of(const publication& x) {
  return static_cast<std::uint32_t>(x.instances.size());
}

} // namespace

service_view& service_table::change() {
  if (std::exchange(shown_, false))
    view_ = new service_view(*view_);
  return *view_;
}

void service_table::touch(service_view& x, wall_time now) {
  ++x.revision;
  // Above every time that was told before, also within one millisecond, and above what a query
  // was told while the service did not exist (the wall clock itself).
  x.ref_time = std::max(x.ref_time, now) + milliseconds(1);
  x.lists.reset();
}

void service_table::show_as_of(wall_time now) {
  auto& x = change();
  x.ref_time = std::max(x.ref_time, now) + milliseconds(1);
}

void service_table::apply_terms(const publication& x) const {
  const auto& held = *x.lease;
  if (is_connection(x))
    return; // kept by its connection, not by beats
  const auto& published = x.instances.front();
  const metadata_map* metadata = &published.metadata.map();
  metadata_map over;
  if (view_->overrides) {
    if (auto i = view_->overrides->find(published.metadata_id()); i != view_->overrides->end()) {
      over = merged(published.metadata, i->second->metadata);
      metadata = &over;
    }
  }
  held.set_terms(lease_terms_of(*metadata));
  held.own_interval = find_metadata(*metadata, "preserved.heart.beat.interval") != nullptr;
  held.exempt = exempt_from_beat_checks(*metadata)
                || (view_->metadata && exempt_from_beat_checks(view_->metadata->metadata));
}

publish_result service_table::publish(const publication_ptr& x, wall_time now,
                                      const publication_ptr& likely_before) {
  auto kind = x->ephemeral() ? service_kind::ephemeral : service_kind::persistent;
  if (view_->kind != service_kind::undecided && view_->kind != kind)
    return {publish_result::conflict};
  auto place = view_->publications.locate(x->lease->client, likely_before);
  auto known = view_->publications.at(place);
  auto before = known ? *known : nullptr;
  if (before && same_publication(*before, *x))
    return {publish_result::unchanged, std::move(before)};
  auto& next = change();
  next.kind = kind;
  next.listed = true;
  next.publications = next.publications.with(x, place);
  next.instances += size_of(*x) - (before ? size_of(*before) : 0);
  next.connections += !before && is_connection(*x) ? 1 : 0;
  apply_terms(*x);
  touch(next, now);
  return {before ? publish_result::updated : publish_result::added, std::move(before)};
}

publication_ptr service_table::withdraw(const client_id& client, wall_time now) {
  auto known = view_->publications.find(client);
  if (!known)
    return nullptr;
  auto gone = *known;
  auto& next = change();
  next.publications = next.publications.without(client);
  next.instances -= size_of(*gone);
  next.connections -= is_connection(*gone) ? 1 : 0;
  touch(next, now);
  return gone;
}

bool service_table::subscribe(const subscriber_ptr& x) {
  auto known = view_->subscribers.find(x->lease->client);
  if (known && same_subscriber(**known, *x))
    return false;
  // Who subscribes gets a list: it is made for the first one, and the views of all share it.
  view_->lists.get();
  auto& next = change();
  next.subscribers = next.subscribers.with(x);
  return true;
}

subscriber_ptr service_table::unsubscribe(const client_id& client) {
  auto known = view_->subscribers.find(client);
  if (!known)
    return nullptr;
  auto gone = *known;
  auto& next = change();
  next.subscribers = next.subscribers.without(client);
  return gone;
}

bool service_table::set_stored(override_table_ptr overrides, service_metadata_ptr metadata,
                               wall_time now) {
  if (overrides == view_->overrides && metadata == view_->metadata)
    return false;
  auto& next = change();
  next.overrides = std::move(overrides);
  next.metadata = std::move(metadata);
  next.publications.for_each([this](const publication_ptr& x) { apply_terms(*x); });
  touch(next, now);
  return true;
}

std::vector<publication_ptr> service_table::become_persistent(wall_time now) {
  std::vector<publication_ptr> ended;
  view_->publications.for_each([&](const publication_ptr& x) { ended.push_back(x); });
  auto& next = change();
  next.publications = {};
  next.instances = next.connections = 0;
  next.kind = service_kind::persistent;
  touch(next, now);
  return ended;
}

void service_table::create(bool ephemeral, wall_time now) {
  auto& next = change();
  if (!next.listed || next.kind == service_kind::undecided)
    next.kind = ephemeral ? service_kind::ephemeral : service_kind::persistent;
  next.listed = true;
  touch(next, now);
}

void service_table::unlist(wall_time now) {
  auto& next = change();
  next.listed = false;
  next.kind = service_kind::undecided;
  next.metadata = nullptr;
  next.overrides = nullptr;
  touch(next, now);
}

void service_table::continue_after(const service_view& last) {
  auto& next = change();
  next.revision = last.revision;
  next.ref_time = last.ref_time;
  next.kind = last.kind;
  next.listed = last.listed;
  // What is rebuilt may differ from what was shown last, so it may not have the same time.
  touch(next, last.ref_time);
}

service_view_ptr service_table::make_view() const {
  shown_ = true;
  return view_;
}

} // namespace nacre
