#include "tests/kit/raft_world.hpp"

#include <algorithm>
#include <sstream>

#include "protocol/store_codec.hpp"

namespace nacre::test {

namespace {

constexpr auto tick = milliseconds(10);
constexpr int faulty_steps = 3000;
/// Long enough for several elections, a state and all changes of the group.
constexpr int calm_steps = 2000;
constexpr raft::member_id members_max = 6;

std::uint64_t mix(std::uint64_t hash, const std::string& text) {
  for (unsigned char c : text)
    hash = (hash ^ c) * 1099511628211ull;
  return hash;
}

std::string text(const raft::position& x) {
  return std::to_string(x.term) + "/" + std::to_string(x.index);
}

} // namespace

// -- the machine and the disk --------------------------------------------------------------------

outcome raft_world::machine::apply(const raft::entry& x) {
  applied = x.at.index;
  hash = mix(hash, std::to_string(x.at.index) + ":" + x.data);
  if (x.kind != raft::entry_kind::command)
    return {};
  return state.apply(decode_request(x.data), x.at.index).done;
}

std::string raft_world::machine::save() const {
  return std::to_string(applied) + ' ' + std::to_string(hash) + ' ' + state.save();
}

raft_world::machine raft_world::machine::load(const std::string& bytes) {
  machine x;
  std::istringstream in(bytes);
  in >> x.applied >> x.hash;
  in.get();
  x.state = agreed_state::load(bytes.substr(static_cast<std::size_t>(in.tellg())));
  return x;
}

void raft_world::disk::write(const raft::disk_round& x) {
  commit = x.commit;
  if (x.vote)
    vote = *x.vote;
  if (x.state) {
    base = x.state->last;
    members = x.state->members;
    state = *x.state->bytes;
    entries.clear();
  }
  if (x.entries.empty())
    return;
  auto first = x.entries.front().at.index;
  std::erase_if(entries, [&](const raft::entry& e) { return e.at.index >= first; });
  entries.insert(entries.end(), x.entries.begin(), x.entries.end());
}

// -- time ----------------------------------------------------------------------------------------

raft_world::raft_world(std::uint64_t seed) : seed_(seed), rng_(seed) {
  faults_every_ = 6 + any(20);
  attacks_every_ = one_in(2) ? 10 + any(40) : 1'000;
  changes_every_ = 5 + any(60);
  by_learners_ = one_in(2);
  auto count = 1 + any(members_max);
  raft::membership members;
  for (id x = 1; x <= count; ++x)
    members.voters.push_back(x);
  // The others are there, and nobody knows them yet.
  nodes_.resize(members_max);
  for (id x = 1; x <= members_max; ++x) {
    auto& node = nodes_[x - 1];
    node.self = x;
    if (x <= count)
      node.stored.members = members;
    start(node);
  }
}

void raft_world::run() {
  for (int i = 0; i < faulty_steps; ++i) {
    if (one_in(faults_every_))
      fault();
    if (one_in(attacks_every_))
      attack_leader();
    ask();
    step();
  }
  heal();
  for (int i = 0; i < calm_steps; ++i) {
    if (i == calm_steps / 2)
      if (auto* x = leader())
        propose(*x);
    step();
  }
  check_agreement();
}

void raft_world::step() {
  now_ += tick;
  deliver();
  for (auto& x : nodes_)
    if (x.core && now_ >= x.resumes)
      work(x);
}

void raft_world::work(node& x) {
  x.core->tick(now_);
  check_leader(x);
  advance_disk(x);
  check_commit(x);
  for (auto& e : x.core->take_committed())
    check_applied(x, e);
  check_reads(x);
  if (x.core->wants_state() && x.state.applied >= x.core->entries().base().index
      && x.state.applied == x.core->applied())
    x.core->offer_state(x.state.applied, std::make_shared<const std::string>(x.state.save()));
  for (auto& m : x.core->take_messages())
    send(std::move(m));
}

void raft_world::advance_disk(node& x) {
  if (x.writing && now_ >= x.written) {
    auto round = std::exchange(x.writing, {});
    x.stored.write(*round);
    if (round->state)
      x.state = machine::load(*round->state->bytes);
    x.core->on_persisted(round->number);
  }
  if (x.writing)
    return;
  x.writing = x.core->take_round(one_in(20));
  if (!x.writing)
    return;
  check_entries(x, x.writing->entries);
  x.written = now_ + milliseconds(static_cast<std::int64_t>(any(disk_ms_ + 1)));
}

void raft_world::deliver() {
  std::vector<raft::message> due;
  std::erase_if(network_, [&](flying& x) {
    auto* to = find(x.what.to);
    bool waits = x.arrives > now_ || (to && now_ < to->resumes);
    if (!waits)
      due.push_back(std::move(x.what));
    return !waits;
  });
  std::shuffle(due.begin(), due.end(), rng_);
  for (auto& x : due) {
    auto* to = find(x.to);
    if (!to || !to->core || is_cut(x.from, x.to))
      continue;
    to->core->step(std::move(x));
    check_leader(*to);
    check_commit(*to);
    // Sometimes at once, sometimes several in one turn.
    if (one_in(2))
      work(*to);
  }
}

void raft_world::send(raft::message x) {
  if (is_cut(x.from, x.to) || any(1000) < loss_)
    return;
  auto way = [&] { return now_ + milliseconds(static_cast<std::int64_t>(1 + any(delay_ms_))); };
  if (faulty_ && one_in(30))
    network_.push_back({way(), x});
  network_.push_back({way(), std::move(x)});
}

// -- what goes wrong -----------------------------------------------------------------------------

void raft_world::fault() {
  auto& x = nodes_[any(nodes_.size())];
  auto& y = nodes_[any(nodes_.size())];
  switch (any(14)) {
    case 0:
    case 1:
      if (x.core)
        crash(x);
      break;
    case 2:
    case 3:
      if (!x.core)
        start(x);
      break;
    case 4:
      cuts_.insert({x.self, y.self});
      break;
    case 5: { // one side against the other
      auto side = rng_();
      for (auto& a : nodes_)
        for (auto& b : nodes_)
          if ((side >> a.self & 1u) != (side >> b.self & 1u))
            cuts_.insert({a.self, b.self});
      break;
    }
    case 6:
    case 7:
      cuts_.clear();
      break;
    case 8:
      x.resumes = now_ + milliseconds(static_cast<std::int64_t>(any(1500)));
      break;
    case 9:
      loss_ = one_in(2) ? 0 : any(300);
      delay_ms_ = one_in(2) ? 10 : 1 + any(400);
      break;
    case 10:
      disk_ms_ = one_in(2) ? 5 : any(300);
      break;
    case 11:
    case 12:
      attack_leader();
      break;
    default: // a power failure
      if (one_in(4))
        for (auto& each : nodes_)
          if (each.core)
            crash(each);
      break;
  }
}

/// When something is in the logs of some only.
void raft_world::attack_leader() {
  auto* first = leader();
  if (!first)
    return;
  if (one_in(2))
    return crash(*first);
  // It, and whom it can reach, alone.
  auto side = rng_() & rng_();
  for (auto& each : nodes_)
    if (each.self != first->self && (side >> each.self & 1u) == 0)
      cuts_.insert({{first->self, each.self}, {each.self, first->self}});
}

void raft_world::heal() {
  faulty_ = false;
  cuts_.clear();
  loss_ = 0;
  delay_ms_ = 10;
  disk_ms_ = 5;
  for (auto& x : nodes_) {
    x.resumes = {};
    if (!x.core)
      start(x);
  }
}

void raft_world::crash(node& x) {
  // A transaction is there or not.
  if (x.writing && one_in(2))
    x.stored.write(*x.writing);
  x.writing.reset();
  x.core.reset();
  std::erase_if(asked_, [&](auto& a) { return a.first.first == x.self; });
}

void raft_world::start(node& x) {
  raft::settings how;
  how.self = x.self;
  how.seed = rng_();
  how.request_bytes_max = 1 + any(1000);
  how.in_flight_max = static_cast<std::uint32_t>(1 + any(8));
  how.chunk_bytes = 100 + any(2'000);
  auto& d = x.stored;
  x.core = std::make_unique<raft::core>(
    how, raft::stored_member{d.vote, d.base, d.members, d.entries, d.commit}, now_);
  x.state = d.state.empty() ? machine{} : machine::load(d.state);
  x.seen_commit = d.base.index;
}

// -- what is asked for ---------------------------------------------------------------------------

void raft_world::ask() {
  for (auto& x : nodes_) {
    if (!x.core || now_ < x.resumes)
      continue;
    if (one_in(60) && x.core->applied() == x.state.applied)
      compact(x);
    if (!x.core->leads())
      continue;
    if (one_in(5))
      propose(x);
    if (one_in(10)) {
      begun_reads_[++reads_] = acknowledged_index_;
      x.core->read(reads_);
    }
    if (one_in(200))
      x.core->transfer(1 + any(nodes_.size()));
    // One that has just been elected is when it is dangerous.
    if (one_in(x.core->knows_commit() ? changes_every_ : 2))
      change_members(x);
  }
}

void raft_world::propose(node& x) {
  constexpr std::uint64_t remembered = 20;
  if (sent_.empty() || !one_in(4)) {
    agreed::request request;
    request.session = 1;
    request.number = ++requests_;
    request.answered_below = requests_ > remembered ? requests_ - remembered : 0;
    // Whoever asked for it twice would be refused the second time.
    request.what = agreed::put_namespace{{std::to_string(requests_), {}, {}}, false};
    sent_.push_back(std::move(request));
    if (sent_.size() >= remembered)
      sent_.erase(sent_.begin());
  }
  auto& request = one_in(4) ? sent_[any(sent_.size())] : sent_.back();
  if (auto at = x.core->propose(encode_request(request)))
    asked_[{x.self, at->index}] = {*at, request.number};
}

void raft_world::change_members(node& x) {
  auto next = x.core->entries().members();
  auto pick = 1 + any(members_max);
  if (next.has_voter(pick)) {
    std::erase(next.voters, pick);
    if (by_learners_ && one_in(3))
      next.learners.push_back(pick);
  } else if (next.has_learner(pick)) {
    std::erase(next.learners, pick);
    if (!one_in(4))
      next.voters.push_back(pick);
  } else {
    (by_learners_ ? next.learners : next.voters).push_back(pick);
  }
  x.core->change_members(next);
}

void raft_world::compact(node& x) {
  auto end = x.core->applied();
  auto& log = x.core->entries();
  if (end <= log.base().index || x.writing)
    return;
  auto& d = x.stored;
  // The state is stored as of now, but some of the log is kept for members that are late.
  auto index = end - any(end - log.base().index);
  if (index != end) {
    x.core->compact(index);
    return; // in memory alone
  }
  d.base = {log.term_at(end), end};
  d.members = log.members_at(end);
  d.state = x.state.save();
  std::erase_if(d.entries, [&](const raft::entry& e) { return e.at.index <= end; });
  x.core->compact(end);
}

// -- what must hold ------------------------------------------------------------------------------

void raft_world::check_entries(const node& x, const std::vector<raft::entry>& entries) {
  auto& log = x.core->entries();
  for (auto& e : entries) {
    if (!log.knows(e.at.index - 1))
      continue;
    std::pair<std::uint64_t, raft::entry> value{log.term_at(e.at.index - 1), e};
    auto [known, is_new] = entries_.try_emplace(e.at, value);
    if (known->second != value)
      violated("log matching: two entries at " + text(e.at));
  }
}

void raft_world::check_leader(const node& x) {
  if (!x.core->leads())
    return;
  auto [known, is_new] = leaders_.try_emplace(x.core->term(), x.self);
  if (known->second != x.self)
    violated("election safety: two leaders of term " + std::to_string(x.core->term()));
  if (!is_new)
    return;
  auto& log = x.core->entries();
  for (auto i = committed_.lower_bound(log.base().index + 1); i != committed_.end(); ++i)
    if (i->second.by < x.core->term() && !log.matches(i->second.what.at))
      violated("leader completeness: " + std::to_string(x.self) + " lacks "
               + text(i->second.what.at));
}

void raft_world::check_commit(node& x) {
  auto& log = x.core->entries();
  for (auto i = std::max(x.seen_commit, log.base().index) + 1; i <= x.core->commit(); ++i) {
    auto [known, is_new] = committed_.try_emplace(i, commit{log.at(i), x.core->term()});
    if (known->second.what != log.at(i))
      violated("commit safety: two entries are committed at " + std::to_string(i));
  }
  if (x.core->commit() < x.seen_commit)
    violated("what is committed at " + std::to_string(x.self) + " became less");
  x.seen_commit = x.core->commit();
}

void raft_world::check_applied(node& x, const raft::entry& e) {
  if (e.at.index != x.state.applied + 1)
    violated("applied out of order at " + std::to_string(x.self));
  auto done = x.state.apply(e);
  if (!done.ok())
    violated("a request took effect twice: " + done.text);
  auto [known, is_new] = states_.try_emplace(e.at.index, x.state.hash);
  if (known->second != x.state.hash)
    violated("state machine safety: states differ at " + std::to_string(e.at.index));
  auto asked = asked_.find({x.self, e.at.index});
  if (asked == asked_.end())
    return;
  if (asked->second.first == e.at) { // the answer goes out
    acknowledged_.insert(asked->second.second);
    acknowledged_index_ = std::max(acknowledged_index_, e.at.index);
  }
  asked_.erase(asked);
}

void raft_world::check_reads(node& x) {
  for (auto& r : x.core->take_reads())
    if (r.index < begun_reads_[r.id])
      violated("a read does not see what was acknowledged before it");
}

void raft_world::check_agreement() {
  auto* first = leader();
  if (!first)
    violated("no leader when all is well");
  auto members = first->core->entries().members();
  for (auto& x : nodes_) {
    if (!members.has_voter(x.self) && !members.has_learner(x.self))
      continue;
    if (x.state.applied != first->state.applied || x.state.hash != first->state.hash)
      violated("no agreement when all is well: " + std::to_string(x.self) + " is at "
               + std::to_string(x.state.applied) + ", the leader at "
               + std::to_string(first->state.applied));
    if (x.state.save() != first->state.save())
      violated("states differ when all is well");
    if (!(x.core->entries().members() == members))
      violated("the members differ when all is well");
  }
  if (first->state.applied < acknowledged_index_ || committed_.size() < 2)
    violated("nothing goes on when all is well");
  for (auto request : acknowledged_)
    if (first->state.state.namespaces().count(std::to_string(request)) == 0)
      violated("lost: request " + std::to_string(request));
}

void raft_world::violated(const std::string& what) const {
  throw raft_violation("seed " + std::to_string(seed_) + " at " + std::to_string(to_ms(now_))
                       + " ms: " + what);
}

raft_world::node* raft_world::leader() {
  node* found = nullptr;
  for (auto& x : nodes_)
    if (x.core && x.core->leads() && (!found || x.core->term() > found->core->term()))
      found = &x;
  return found;
}

raft_world::node* raft_world::find(id x) {
  for (auto& each : nodes_)
    if (each.self == x)
      return &each;
  return nullptr;
}

std::string run_raft_world(std::uint64_t seed) {
  try {
    raft_world(seed).run();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

} // namespace nacre::test
