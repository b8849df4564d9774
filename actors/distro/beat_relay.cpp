#include "actors/distro/beat_relay.hpp"

#include <map>

#include "actors/distro/replication.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// Short beside the shortest term of a lease that is of use, long beside a message.
constexpr auto tick_interval = 200ms;

/// Renewals in one message.
constexpr std::size_t renewals_max = 10'000;

/// The way to the node that is responsible: itself if it hears us, else the peer that heard us
/// last; null if there is none.
cluster_peer_ptr way_to(const cluster_context& cluster, const cluster_view& view,
                        const std::string& responsible, std::uint8_t hops, steady_time now) {
  auto target = view.find(responsible);
  if (!target)
    return nullptr;
  if (hops == 0 && !target->hears_us(now))
    for (auto& other : view.members())
      if (other.link_open && (!target->link_open || other.last_heard_us > target->last_heard_us))
        target = &other;
  return target->link_open ? cluster.peers.find(target->address) : nullptr;
}

/// Renewals by the node that is responsible for the client, and by service.
class renewal_groups {
public:
  renewal_groups(const cluster_context& cluster, const cluster_view& view)
    : cluster_(cluster), view_(view) {}

  void add(const service_key_view& service, const client_id& client) {
    auto responsible = view_.responsible_for(client);
    if (!responsible.empty() && responsible != view_.self())
      groups_[std::string(responsible)][service].push_back(client.address());
  }

  /// @returns how many were sent
  std::size_t send(std::uint8_t hops, steady_time now) {
    std::size_t sent = 0;
    for (auto& [responsible, services] : groups_)
      if (auto peer = way_to(cluster_, view_, responsible, hops, now))
        sent += send(*peer, services, hops);
    return sent; // of whom there is no way to, the clients' next beats come soon
  }

private:
  using clients_by_service = std::map<service_key_view, std::vector<std::string>>;

  std::size_t send(cluster_peer& peer, clients_by_service& services, std::uint8_t hops) {
    std::size_t sent = 0;
    renewals message{hops, {}};
    std::size_t gathered = 0;
    auto flush = [&] {
      peer.send(view_.incarnation(), std::exchange(message, {hops, {}}));
      peer.counters.renewals_sent += gathered;
      sent += std::exchange(gathered, 0);
    };
    for (auto& [service, clients] : services) {
      gathered += clients.size();
      message.services.push_back({std::string(service.namespace_id), std::string(service.group),
                                  std::string(service.name), std::move(clients)});
      if (gathered >= renewals_max)
        flush();
    }
    if (gathered > 0)
      flush();
    return sent;
  }

  const cluster_context& cluster_;
  const cluster_view& view_;
  std::map<std::string, clients_by_service> groups_;
};

} // namespace

void beat_relay_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

void beat_relay_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto renewed = context->tables.leases.take_renewed_elsewhere();
  if (renewed.empty())
    return;
  auto view = context->cluster->now();
  renewal_groups groups(*context->cluster, *view);
  for (auto& x : renewed)
    groups.add(x->service->view(), x->client);
  passed_on += groups.send(0, context->clock.steady());
}

void take_renewals(node_context& context, cluster_peer& from, const renewals& msg,
                   steady_time now) {
  auto view = context.cluster->now();
  renewal_groups further(*context.cluster, *view);
  client_verify_failed unknown;
  for (auto& x : msg.services) {
    service_key_view service{x.namespace_id, x.group, x.service};
    hashed_service_key hashed(service);
    for (auto& address : x.clients) {
      record_key key{address, false, x.namespace_id, x.group, x.service};
      auto client = client_of(key);
      if (!client)
        continue;
      if (!view->is_responsible(*client)) {
        if (msg.hops == 0)
          further.add(service, *client);
        continue;
      }
      auto done = context.tables.leases.renew(hashed, client->ip, client->port, now);
      if (done.state == renewal::unknown)
        unknown.keys.push_back(std::move(key));
      else if (done.state == renewal::unhealthy)
        caf::anon_send(context.shard(*client),
                       revive_instance{make_service_ref(service), *client, nullptr});
    }
  }
  further.send(msg.hops + 1, now);
  if (!unknown.keys.empty())
    context.cluster->send(from, std::move(unknown));
}

std::string beat_relay_state::summary() const {
  return std::to_string(passed_on) + " beats passed on";
}

void beat_relay_state::details(json_writer& out) const { out.field("passedOn", passed_on); }

beat_relay_actor::behavior_type
beat_relay(beat_relay_actor::stateful_pointer<beat_relay_state> self, node_context_ptr context,
           birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {on<&beat_relay_state::on_tick>(self), on_status(self)};
}

} // namespace nacre
