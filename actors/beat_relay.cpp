#include "actors/beat_relay.hpp"

#include <map>

#include "actors/replication.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// Short beside the shortest term of a lease that is of use, long beside a message.
constexpr auto tick_interval = 200ms;

/// Renewals in one message.
constexpr std::size_t renewals_max = 10'000;

/// Renewals by the node that judges them, and by service.
class renewal_groups {
public:
  explicit renewal_groups(const cluster_view& view) : view_(view) {}

  void add(const service_key_view& service, const client_id& client) {
    auto judge = view_.judge_of(client);
    if (judge.empty() || judge == view_.self())
      return;
    auto& clients = judges_[std::string(judge)][service];
    clients.push_back(client.address());
  }

  /// @returns how many were sent
  std::size_t send(node_context& context, std::uint8_t hops, std::int64_t now_ms) {
    std::size_t sent = 0;
    for (auto& [judge, services] : judges_)
      if (auto peer = way_to(context, judge, hops, now_ms))
        sent += send(context, *peer, services, hops);
    return sent; // of whom there is no way to, the clients' next beats come soon
  }

private:
  using clients_by_service = std::map<service_key_view, std::vector<std::string>>;

  static std::size_t send(node_context& context, cluster_peer& peer, clients_by_service& services,
                          std::uint8_t hops) {
    std::size_t sent = 0;
    renewals message{hops, {}};
    std::size_t gathered = 0;
    auto flush = [&] {
      peer.send(context.cluster->life, std::exchange(message, {hops, {}}));
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

  /// The judge itself if it hears us, else the peer that does so best; null if there is none.
  static cluster_peer_ptr way_to(node_context& context, const std::string& judge,
                                 std::uint8_t hops, std::int64_t now_ms) {
    auto way = context.cluster->peers.find(judge);
    if (!way || way->hears_us(now_ms))
      return way;
    if (hops == 0)
      for (auto& other : context.cluster->peers.all())
        if (other->open && (!way->open || other->heard_us_ms > way->heard_us_ms))
          way = other;
    return way->open ? way : nullptr;
  }

  const cluster_view& view_;
  std::map<std::string, clients_by_service> judges_;
};

} // namespace

void beat_relay_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
}

void beat_relay_state::on_tick(const caf::tick_atom&) {
  self->delayed_send(self, tick_interval, caf::tick_atom_v);
  auto renewed = context->leases.take_renewed_elsewhere();
  if (renewed.empty())
    return;
  auto view = context->cluster->now();
  renewal_groups groups(*view);
  for (auto& x : renewed)
    groups.add(x->service->view(), x->client);
  passed_on += groups.send(*context, 0, steady_ms(self));
}

void take_renewals(node_context& context, cluster_peer& from, const renewals& msg,
                   std::int64_t now_ms) {
  auto view = context.cluster->now();
  renewal_groups further(*view);
  record_request unknown;
  for (auto& x : msg.services) {
    service_key_view service{x.namespace_id, x.group, x.service};
    for (auto& address : x.clients) {
      record_key key{address, false, x.namespace_id, x.group, x.service};
      auto client = client_of(key);
      if (!client)
        continue;
      if (!view->judged_here(*client)) {
        if (msg.hops == 0)
          further.add(service, *client);
        continue;
      }
      auto done = context.leases.renew(service, client->ip, client->port, now_ms);
      if (done.state == renewal::unknown)
        unknown.keys.push_back(std::move(key));
      else if (done.state == renewal::unhealthy)
        caf::anon_send(context.shard(*client),
                       revive_instance{make_service_ref(service), *client, nullptr});
    }
  }
  further.send(context, msg.hops + 1, now_ms);
  if (!unknown.keys.empty())
    from.send(context.cluster->life, std::move(unknown));
}

caf::result<actor_status> beat_relay_state::on_status(const status_request& msg) {
  auto status = make_status(self, *this, "", std::to_string(passed_on) + " beats passed on");
  if (msg.detailed)
    status.details = "{\"passedOn\":" + std::to_string(passed_on) + "}";
  return status;
}

beat_relay_actor::behavior_type
beat_relay(beat_relay_actor::stateful_pointer<beat_relay_state> self, node_context_ptr context,
           actor_origin_ptr origin) {
  begin_life(self, std::move(origin));
  self->state.start(std::move(context));
  return {
    on<&beat_relay_state::on_tick>(self),
    on<&beat_relay_state::on_status>(self),
  };
}

} // namespace nacre
