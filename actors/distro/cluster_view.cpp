#include "actors/distro/cluster_view.hpp"

#include <algorithm>

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

bool quorum_contact(const std::vector<member>& members) {
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
  return before.state != member_state::up && !before.dead && before.incarnation != 0
         && now.state == member_state::up;
}

/// Heartbeats each way come more often.
constexpr milliseconds hears_us_within{3'000};

} // namespace

bool member::hears_us(steady_time now) const {
  return link_open && last_heard_us && now - *last_heard_us < hears_us_within;
}

cluster_view::cluster_view(std::string self, own_state own, std::vector<member> members)
  : self_(std::move(self)),
    own_(own),
    members_(std::move(members)),
    ring_(ring_of(members_)),
    has_quorum_contact_(quorum_contact(members_)) {}

cluster_view::cluster_view(const cluster_view& before, own_state own, std::vector<member> members,
                           steady_time now)
  : cluster_view(before.self_, own, std::move(members)) {
  bool same_ring = ring_.ring() == before.ring_.ring();
  ring_number_ = before.ring_number_ + (same_ring ? 0 : 1);
  bool reunited = std::any_of(members_.begin(), members_.end(), [&](const member& x) {
    auto was = before.find(x.address);
    return was && is_back(*was, x);
  });
  reunited_ = reunited ? now : before.reunited_;
}

const member* cluster_view::find(std::string_view address) const {
  auto i = std::find_if(members_.begin(), members_.end(),
                        [&](const member& x) { return x.address == address; });
  return i == members_.end() ? nullptr : &*i;
}

bool cluster_view::is_lost(const connection_owner& x) const {
  auto known = find(x.node);
  if (!known)
    return true; // no member any more
  return x.incarnation < known->incarnation ? x.incarnation <= known->lost_up_to
                                            : known->lost && x.incarnation == known->incarnation;
}

bool cluster_view::some_owner_died() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const member& x) { return (x.dead && !x.lost) || x.ended_recently(); });
}

bool cluster_view::is_alive(const connection_owner& x) const {
  auto known = find(x.node);
  return known && !known->dead && x.incarnation >= known->incarnation;
}

} // namespace nacre
