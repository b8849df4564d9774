#pragma once

#include <cstdint>

#include "actors/service_view.hpp"

namespace nacre {

struct publish_result {
  enum kind : std::uint8_t {
    /// The same again: no new revision, no push.
    unchanged,
    added,
    updated,
    /// An ephemeral instance for a persistent service or the reverse.
    conflict,
  };
  kind what;
  /// What the client had published before, null if nothing.
  publication_ptr before = nullptr;

  friend bool operator==(const publish_result& a, kind b) { return a.what == b; }
};

/// The decisions of a SERVICE without mailbox, clock or socket: an index over what clients
/// publish and subscribe, plus what is stored about the service. The caller brings the time
/// (wall clock ms). Each change readers can see raises the revision.
class service_table {
public:
  service_table(service_ref key, std::int64_t now_ms) {
    state_.key = std::move(key);
    touch(now_ms);
  }

  /// @param likely_before what the client had published before, as far as the caller knows: it is
  ///   only where the search begins
  publish_result publish(const publication_ptr& x, std::int64_t now_ms,
                         const publication_ptr& likely_before = nullptr);

  /// @returns what the client had published, null if nothing.
  publication_ptr withdraw(const client_id& client, std::int64_t now_ms);

  /// @returns whether the subscription is new or differs from the client's last one.
  bool subscribe(const subscriber_ptr& x);

  subscriber_ptr unsubscribe(const client_id& client);

  /// Takes what the METADATA store holds now.
  /// @returns whether readers can see a difference.
  bool set_stored(overlay_table_ptr overlays, service_metadata_ptr metadata, std::int64_t now_ms);

  /// The service was created by name (`POST /service`).
  void create(bool ephemeral, std::int64_t now_ms);

  /// The service ends for lists and operators; subscribers may stay.
  void unlist(std::int64_t now_ms);

  /// Lists carry a new time from here on, though nothing in them changed.
  void show_as_of(std::int64_t now_ms) {
    state_.ref_time_ms = std::max(state_.ref_time_ms, now_ms) + 1;
  }

  /// Revision and time go on from `last`: a restarted service must not repeat them.
  void continue_after(const service_view& last);

  service_view_ptr make_view() const;

  bool listed() const { return state_.listed; }
  service_kind kind() const { return state_.kind; }
  std::uint64_t revision() const { return state_.revision; }
  /// Of all publications together.
  std::size_t instances() const { return state_.instances; }
  const publication_set& publications() const { return state_.publications; }
  const subscriber_set& subscribers() const { return state_.subscribers; }
  const service_ref& key() const { return state_.key; }
  const overlay_table_ptr& overlays() const { return state_.overlays; }
  const service_metadata_ptr& metadata() const { return state_.metadata; }

private:
  struct fields {
    service_ref key;
    std::uint64_t revision = 0;
    std::int64_t ref_time_ms = 0;
    service_kind kind = service_kind::undecided;
    bool listed = false;
    publication_set publications;
    std::size_t instances = 0;
    std::size_t connections = 0;
    subscriber_set subscribers;
    overlay_table_ptr overlays;
    service_metadata_ptr metadata;
    std::shared_ptr<rendered_lists> lists = std::make_shared<rendered_lists>();
  };

  void touch(std::int64_t now_ms);

  /// Puts the terms of the effective instance on the lease.
  void apply_terms(const publication& x) const;

  fields state_;
};

} // namespace nacre
