#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/base/local_message.hpp"
#include "actors/base/ticket.hpp"
#include "actors/tables/history.hpp"
#include "actors/tables/publication.hpp"
#include "actors/tables/service_view.hpp"

/// What is said to the actors of `connections/`: connection clients, their registry, the fuzzy
/// watch.
namespace nacre {

// -- to a CONNECTION CLIENT: requests of the client ----------------------------------------------

/// The connection's whole publication for one service from here on.
struct publish_instances {
  service_ref service;
  instance_list instances;
  ticket_ptr answer;
};

/// The connection publishes nothing for the service any more.
struct withdraw_instances {
  service_ref service;
  ticket_ptr answer;
};

/// The client wants to hear of one selection of the service.
struct subscribe_service {
  service_ref service;
  std::string clusters;
  std::string app;
  ticket_ptr answer;
};

/// The client wants to hear of it no more.
struct unsubscribe_service {
  service_ref service;
  std::string clusters;
  ticket_ptr answer;
};

/// The client wants to hear which services match a pattern come and go.
struct watch_services {
  std::string pattern;
  /// Whether the client begins: it is told when it has heard of all.
  bool initializing = false;
  /// `namespace@@group@@service` of what it knows already.
  std::vector<std::string> received_keys;
  ticket_ptr answer;
};

/// The client watches the pattern no more.
struct cancel_watch {
  std::string pattern;
  ticket_ptr answer;
};

/// An operator wants the client to connect anew, to `server_ip`:`server_port` if they are given.
struct reset_connection {
  std::string server_ip;
  std::string server_port;
};

// -- to a CONNECTION CLIENT: its link ------------------------------------------------------------

/// The client answered a request of ours.
struct request_answered {
  std::uint64_t request_id = 0;
  bool ok = false;
};

/// The link takes messages again after it had refused one.
struct link_drained {};

/// The link is gone, and with it the client (Nacos `ClientDisconnectEvent`).
struct client_disconnected {
  change_reason why = change_reason::connection_closed;
};

// -- to a CONNECTION CLIENT: other actors --------------------------------------------------------

/// Subscribers shall see this view. From the PUSH ENGINE.
struct view_push {
  service_view_ptr view;
  /// When the change happened that this push tells of.
  steady_time changed_at{};
};

/// A restarted SERVICE tells what it believes the connection holds on it, null is nothing; the
/// connection answers with what it does hold.
struct confirm_connection {
  service_ref service;
  lease_ptr published;
  lease_ptr subscribed;
};

/// The first publisher of a service came, or the last one left. From its SERVICE to the FUZZY
/// WATCH, and from there to connections that watch.
struct presence_changed {
  service_ref service;
  bool present = false;
};

/// The FUZZY WATCH was restarted and may have lost news.
struct fuzzy_watch_restarted {};

// -- to the CONNECTION REGISTRY and the FUZZY WATCH ----------------------------------------------

/// A connection client was spawned and wants a supervisor.
struct supervise_connection {
  std::string connection_id;
};

/// It is time to start a failed one again.
struct respawn_connection {
  std::string connection_id;
};

/// A connection begins to watch patterns, or watches none any more.
struct watcher_changed {
  std::string connection_id;
  bool watches = false;
};

} // namespace nacre
