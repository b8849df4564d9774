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
  std::size_t send(node_context& context, std::uint8_t hops) {
    std::size_t sent = 0;
    for (auto& [judge, services] : judges_) {
      auto peer = way_to(context, judge, hops);
      if (!peer)
        continue; // the client's next beat comes soon
      renewals message;
      message.hops = hops;
      std::size_t gathered = 0;
      for (auto& [service, clients] : services) {
        gathered += clients.size();
        message.services.push_back({std::string(service.namespace_id), std::string(service.group),
                                    std::string(service.name), std::move(clients)});
        if (gathered >= renewals_max) {
          peer->send(context.cluster->life, std::exchange(message, {hops, {}}));
          sent += std::exchange(gathered, 0);
        }
      }
      if (gathered > 0)
        peer->send(context.cluster->life, std::move(message));
      peer->counters.renewals_sent += gathered;
      sent += gathered;
    }
    return sent;
  }

private:
  /// The judge itself, else any peer that may reach it.
  static cluster_peer_ptr way_to(node_context& context, const std::string& judge,
                                 std::uint8_t hops) {
    auto direct = context.cluster->peers.find(judge);
    if (direct && direct->open)
      return direct;
    if (hops > 0)
      return nullptr;
    for (auto& other : context.cluster->peers.all())
      if (other->open && other->address != judge)
        return other;
    return nullptr;
  }

  const cluster_view& view_;
  std::map<std::string, std::map<service_key_view, std::vector<std::string>>> judges_;
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
  passed_on += groups.send(*context, 0);
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
  further.send(context, msg.hops + 1);
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
