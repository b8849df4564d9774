#pragma once

#include <cstdint>

#include "actors/tables/service_view.hpp"

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
  service_table(service_ref key, wall_time now) : view_(new service_view) {
    view_->key = std::move(key);
    touch(*view_, now);
  }

  /// @param likely_before what the client had published before, as far as the caller knows: it is
  ///   only where the search begins
  publish_result publish(const publication_ptr& x, wall_time now,
                         const publication_ptr& likely_before = nullptr);

  /// @returns what the client had published, null if nothing.
  publication_ptr withdraw(const client_id& client, wall_time now);

  /// @returns whether the subscription is new or differs from the client's last one.
  bool subscribe(const subscriber_ptr& x);

  subscriber_ptr unsubscribe(const client_id& client);

  /// Takes what the METADATA store holds now.
  /// @returns whether readers can see a difference.
  bool set_stored(override_table_ptr overrides, service_metadata_ptr metadata, wall_time now);

  /// Makes a service of ephemeral instances one of persistent ones.
  /// @returns the instances that end by it
  std::vector<publication_ptr> become_persistent(wall_time now);

  /// The service was created by name (`POST /service`).
  void create(bool ephemeral, wall_time now);

  /// The service ends for lists and operators; subscribers may stay.
  void unlist(wall_time now);

  /// Lists carry a new time from here on, though nothing in them changed.
  void show_as_of(wall_time now);

  /// Revision and time go on from `last`: a restarted service must not repeat them.
  void continue_after(const service_view& last);

  /// What is there now, for readers: it stays as it is, and the next change makes another one.
  service_view_ptr make_view() const;

  bool listed() const { return view_->listed; }
  service_kind kind() const { return view_->kind; }
  std::uint64_t revision() const { return view_->revision; }
  /// Of all publications together.
  std::size_t instances() const { return view_->instances; }
  const publication_set& publications() const { return view_->publications; }
  const subscriber_set& subscribers() const { return view_->subscribers; }
  const service_ref& key() const { return view_->key; }
  const override_table_ptr& overrides() const { return view_->overrides; }
  const service_metadata_ptr& metadata() const { return view_->metadata; }

private:
  /// What may be changed: a copy if readers know the last one.
  service_view& change();
  static void touch(service_view& x, wall_time now);

  /// Puts the terms of the effective instance on the lease.
  void apply_terms(const publication& x) const;

  boost::intrusive_ptr<service_view> view_;
  /// Readers know it.
  mutable bool shown_ = false;
};

} // namespace nacre
