#include "actors/distro/cluster_context.hpp"

#include "actors/node_context.hpp"

namespace nacre {

namespace {

cluster_view_ptr first_view(const std::string& self, std::int64_t incarnation,
                            const std::vector<std::string>& addresses) {
  std::vector<member> members;
  for (auto& address : addresses)
    members.push_back({address, address == self ? member_state::up : member_state::suspicious});
  return std::make_shared<const cluster_view>(self, own_state{incarnation}, std::move(members));
}

} // namespace

cluster_context::cluster_context(std::string own_address, std::int64_t incarnation,
                                 const std::vector<std::string>& members)
  : self(std::move(own_address)) {
  view.set(first_view(self, incarnation, members));
}

connection_owner_ptr cluster_context::owner(const std::string& node, std::int64_t incarnation) {
  std::lock_guard guard(owners_lock_);
  auto& last = owners_[node];
  if (!last || last->incarnation != incarnation)
    last = std::make_shared<const connection_owner>(connection_owner{node, incarnation});
  return last;
}

bool knows_peer(const node_context& context, const std::string& address) {
  return context.cluster && context.cluster->peers.find(address) != nullptr;
}

bool receive_frame(const node_context& context, const std::string& from, std::string frame) {
  auto peer = context.cluster ? context.cluster->peers.find(from) : nullptr;
  if (!peer)
    return false;
  caf::anon_send(peer->actor.get(), peer_frame{std::move(frame)});
  return true;
}

} // namespace nacre
