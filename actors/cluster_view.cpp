#include "actors/cluster_view.hpp"

#include <algorithm>

#include "actors/raise_to.hpp"
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

bool is_majority_heard(const std::vector<member>& members) {
  std::size_t living = 0;
  std::size_t heard = 0;
  for (auto& x : members) {
    if (x.dead || x.lost)
      continue;
    ++living;
    heard += x.state == member_state::up ? 1 : 0;
  }
  return heard * 2 > living;
}

/// Whether it was silent, and spoke again.
bool is_back(const member& before, const member& now) {
  return before.state != member_state::up && !before.dead && before.life != 0
         && now.state == member_state::up;
}

/// Heartbeats each way come more often.
constexpr std::int64_t hears_us_within_ms = 3'000;

} // namespace

cluster_view::cluster_view(std::string self, std::vector<member> members)
  : self_(std::move(self)),
    members_(std::move(members)),
    ring_(ring_of(members_)),
    hears_majority_(is_majority_heard(members_)) {}

cluster_view::cluster_view(const cluster_view& before, std::vector<member> members,
                           std::int64_t now_ms)
  : cluster_view(before.self_, std::move(members)) {
  bool same_ring = ring_.ring() == before.ring_.ring();
  ring_number_ = before.ring_number_ + (same_ring ? 0 : 1);
  bool reunited = std::any_of(members_.begin(), members_.end(), [&](const member& x) {
    auto was = before.find(x.address);
    return was && is_back(*was, x);
  });
  reunited_ms_ = reunited ? now_ms : before.reunited_ms_;
}

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

void cluster_peer::tell(const lease_ptr& held_by) {
  if (!open)
    return;
  bool first = false;
  {
    std::lock_guard guard(changes_lock_);
    first = changes_.empty();
    changes_.push_back(held_by);
  }
  if (first)
    caf::anon_send(sync.get(), changes_wait{});
}

std::vector<lease_ptr> cluster_peer::take_changes() {
  std::lock_guard guard(changes_lock_);
  return std::exchange(changes_, {});
}

bool cluster_peer::hears_us(std::int64_t now_ms) const {
  return open && now_ms - heard_us_ms < hears_us_within_ms;
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

bool cluster_peer::take_life(std::int64_t heard, std::int64_t at_ms) {
  std::lock_guard guard(lives_lock_);
  auto known = life.load();
  if (heard <= known)
    return heard == known;
  auto refused = refused_since_ms.load();
  if (known != 0)
    ended_lives_.emplace(known, refused != 0 ? refused : at_ms);
  ended_lives_.emplace(heard - 1, at_ms); // lives in between that this node never heard of
  life = heard;
  left = false;
  loaded = false;
  return true;
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
  view.set(std::make_shared<cluster_view>(self, std::move(all)));
}

record_origin_ptr cluster_context::origin(const std::string& node, std::int64_t node_life) {
  std::lock_guard guard(origins_lock_);
  auto& last = origins_[node];
  if (!last || last->life != node_life)
    last = std::make_shared<const record_origin>(record_origin{node, node_life});
  return last;
}

void cluster_context::raise_life(std::int64_t above) {
  raise_to(life, above + 1);
}

} // namespace nacre
