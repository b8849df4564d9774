#include "actors/cluster_view.hpp"

#include <algorithm>

#include "protocol/cluster_codec.hpp"

namespace nacre {

std::string_view to_string(member_state x) {
  switch (x) {
    case member_state::up:
      return "UP";
    case member_state::suspicious:
      return "SUSPICIOUS";
    case member_state::down:
      break;
  }
  return "DOWN";
}

namespace {

std::vector<std::string> ring_of(const std::vector<member>& members) {
  std::vector<std::string> addresses;
  for (auto& x : members)
    if (x.state != member_state::down)
      addresses.push_back(x.address);
  return addresses;
}

} // namespace

cluster_view::cluster_view(std::string self, std::vector<member> members,
                           std::uint64_t ring_number)
  : self_(std::move(self)),
    members_(std::move(members)),
    ring_number_(ring_number),
    ring_(ring_of(members_)) {}

const member* cluster_view::find(std::string_view address) const {
  auto i = std::find_if(members_.begin(), members_.end(),
                        [&](const member& x) { return x.address == address; });
  return i == members_.end() ? nullptr : &*i;
}

bool cluster_view::is_lost(const record_origin& x) const {
  auto known = find(x.node);
  if (!known)
    return true; // no member any more
  return x.life < known->life ? x.life <= known->lost_up_to_life
                              : known->lost && x.life == known->life;
}

bool cluster_view::some_origin_died() const {
  return std::any_of(members_.begin(), members_.end(), [](const member& x) {
    return (x.dead && !x.lost) || x.lives_ending;
  });
}

bool cluster_view::is_alive(const record_origin& x) const {
  auto known = find(x.node);
  return known && !known->dead && x.life >= known->life;
}

bool cluster_peer::send(std::int64_t own_life, cluster_message message) {
  auto link = link_.get();
  if (!link)
    return false;
  auto frame = encode_frame({own_life, std::move(message)});
  auto size = frame.size();
  if (!link->send(std::move(frame))) {
    ++counters.frames_dropped;
    return false;
  }
  ++counters.frames_sent;
  counters.bytes_sent += size;
  return true;
}

void cluster_peer::set_link(std::shared_ptr<peer_link> link) {
  auto before = link_.get();
  link_.set(std::move(link));
  if (before)
    before->close();
}

void cluster_peer::end_life(std::int64_t ended, std::int64_t at_ms) {
  std::lock_guard guard(lives_lock_);
  ended_lives_.emplace(ended, at_ms);
}

std::int64_t cluster_peer::lost_up_to_life(std::int64_t term_ms, std::int64_t now_ms) {
  std::lock_guard guard(lives_lock_);
  while (!ended_lives_.empty() && now_ms - ended_lives_.begin()->second >= term_ms) {
    lost_up_to_life_ = ended_lives_.begin()->first;
    ended_lives_.erase(ended_lives_.begin());
  }
  return lost_up_to_life_;
}

bool cluster_peer::has_ending_lives() {
  std::lock_guard guard(lives_lock_);
  return !ended_lives_.empty();
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

cluster_context::cluster_context(std::string own_address, std::int64_t own_life,
                                 std::vector<std::string> members, std::int64_t wall_ms,
                                 std::int64_t steady_ms)
  : self(std::move(own_address)), life(own_life), clock(wall_ms, steady_ms) {
  std::vector<member> all;
  for (auto& address : members)
    all.push_back({address, address == self ? member_state::up : member_state::suspicious});
  view.set(std::make_shared<cluster_view>(self, std::move(all), 1));
}

record_origin_ptr cluster_context::origin(const std::string& node, std::int64_t node_life) {
  std::lock_guard guard(origins_lock_);
  auto& last = origins_[node];
  if (!last || last->life != node_life)
    last = std::make_shared<const record_origin>(record_origin{node, node_life});
  return last;
}

void cluster_context::raise_life(std::int64_t above) {
  auto present = life.load();
  while (present <= above && !life.compare_exchange_weak(present, above + 1)) {
  }
}

} // namespace nacre
