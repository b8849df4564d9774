#include "actors/distro/cluster_peer.hpp"

#include "protocol/cluster_codec.hpp"

namespace nacre {

void cluster_peer::set_link(std::shared_ptr<peer_link> link) {
  auto before = link_.get();
  link_.set(std::move(link));
  if (before)
    before->close();
}

bool cluster_peer::send(std::int64_t own_incarnation, cluster_message message) {
  auto link = link_.get();
  if (!link)
    return false;
  auto frame = encode_frame({own_incarnation, std::move(message)});
  auto size = frame.size();
  if (!link->send(std::move(frame))) {
    ++counters.frames_dropped;
    return false;
  }
  ++counters.frames_sent;
  counters.bytes_sent += size;
  return true;
}

cluster_peer_ptr peer_directory::find(const std::string& address) const {
  std::lock_guard guard(lock_);
  auto i = peers_.find(address);
  return i == peers_.end() ? nullptr : i->second;
}

std::vector<cluster_peer_ptr> peer_directory::all() const {
  std::vector<cluster_peer_ptr> copy;
  std::lock_guard guard(lock_);
  for (auto& [address, x] : peers_)
    copy.push_back(x);
  return copy;
}

void peer_directory::add(const cluster_peer_ptr& x) {
  std::lock_guard guard(lock_);
  peers_.emplace(x->address, x);
}

void peer_directory::remove(const std::string& address) {
  std::lock_guard guard(lock_);
  peers_.erase(address);
}

} // namespace nacre
