// Whole clusters under random work and random faults, checked against the invariants of a registry:
// I1 nodes agree after the faults, also on the health of persistent instances, I2 nobody who lives
// is removed, or called unhealthy, where his beats can be heard of, I3 no acknowledged write of the
// store is lost, I4 the last push tells the final state, I5 one node is responsible for a client,
// I7 a read that is confirmed sees what was acknowledged. `SEED=n SEEDS=1` repeats one run,
// `TRACE=1` writes what happened in it.
#include <iostream>
#include <limits>
#include <sstream>

#include "tests/kit/actor_tree.hpp"
#include "tests/kit/simulated_cluster.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

constexpr std::size_t services_count = 3;

std::string service_name(std::size_t i) { return "s" + std::to_string(i); }

/// An instance kept by beats, as a 1.x SDK keeps it: any node will do.
struct beating_client {
  std::string service;
  std::string ip;
  bool alive = false;
  /// A new process registers before it beats.
  bool registered = false;
  /// Number of that process: what an earlier one left behind is not it.
  std::string life{};
  std::int64_t next_beat_ms = 0;
  /// Last beat or registration that a node took, and which one; -1 if none.
  std::int64_t last_heard_ms = -1;
  std::size_t heard_by = 0;
  /// When an earlier process took it back.
  std::int64_t taken_back_ms = -1'000'000;
  /// Since when each node shows it, -1 while it does not.
  std::vector<std::int64_t> shown_since{};
  /// When each node last could hear of a beat, directly or over one other node.
  std::vector<std::int64_t> reached_ms{};
  /// And had been able to for so long that it was told at once.
  std::vector<std::int64_t> told_ms{};
};

/// An SDK over gRPC: publishes one instance, subscribes one service, comes back when it is lost.
struct connected_client {
  std::string service;
  std::string ip;
  bool alive = false;
  std::optional<simulated_cluster::client> at{};
  std::int64_t reconnect_ms = 0;
  bool went_back = false;
};

/// A persistent instance that is written again and again, one write after the other.
struct written_instance {
  static constexpr const char* service = "p";
  static constexpr const char* not_there = "";

  std::string ip;
  /// What nodes may show of it when all have heard of it: its `life`.
  std::set<std::string> may_be{not_there};
  /// What is being written, where, and since when.
  std::string next{};
  std::size_t at = 0;
  std::int64_t began_ms = 0;
  std::optional<pending_write> write{};
  /// A confirmed read after it, at any node.
  struct confirmed_read {
    bool done = false;
    /// What it saw; nothing if it failed.
    std::optional<std::string> life{};
  };
  std::shared_ptr<confirmed_read> read{};
};

class simulation : public simulated_cluster {
public:
  explicit simulation(std::uint64_t seed)
    : simulated_cluster(seed, seed % 4 == 0 ? 5 : 3), trace_(std::getenv("TRACE") != nullptr) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      nodes[i].prober = std::make_shared<scripted_prober>();
      start(i);
    }
    for (int i = 0; i < 6; ++i)
      beating_.push_back({service_name(pick(services_count)), "1.1.1." + std::to_string(i + 1)});
    for (int i = 0; i < 4; ++i)
      connected_.push_back({service_name(pick(services_count)), "2.2.2." + std::to_string(i + 1)});
    for (int i = 0; i < 3; ++i)
      written_.push_back(new_written());
    for (auto& x : beating_) {
      x.shown_since.assign(nodes.size(), -1);
      x.reached_ms.assign(nodes.size(), -1);
      x.told_ms.assign(nodes.size(), -1);
    }
  }

  void play() {
    live(5s); // most seeds begin in peace
    auto until = now_ms() + 20'000 + static_cast<std::int64_t>(pick(60'000));
    while (now_ms() < until) {
      disturb();
      live(std::chrono::milliseconds(200 + pick(3'000)));
    }
    recover();
    judge();
  }

private:
  // -- chance -----------------------------------------------------------------------------------

  std::size_t pick(std::size_t below) { return rng() % below; }
  bool chance(unsigned percent) { return pick(100) < percent; }

  template <class... Parts>
  void note(const Parts&... parts) {
    if (!trace_)
      return;
    std::ostringstream line;
    line << now_ms() << ' ';
    (line << ... << parts);
    std::cerr << line.str() << '\n';
  }

  // -- clients ----------------------------------------------------------------------------------

  /// A node that takes requests; nothing if there is none.
  std::optional<std::size_t> some_ready_node() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (ready(i))
        all.push_back(i);
    return all.empty() ? std::nullopt : std::optional(all[pick(all.size())]);
  }

  bool hears(std::size_t from, std::size_t to) const {
    return from == to
           || (net->passes(nodes[from].address, nodes[to].address)
               && net->passes(nodes[to].address, nodes[from].address));
  }

  void note_paths() {
    for (std::size_t a = 0; a < nodes.size(); ++a)
      for (std::size_t b = 0; b < nodes.size(); ++b)
        if (!ready(a) || !ready(b) || !hears(a, b))
          note_apart({a, b});
  }

  void note_apart(const std::pair<std::size_t, std::size_t>& pair) {
    auto [last, is_first] = apart_ms_.try_emplace(pair);
    if (is_first || now_ms() - last->second > 400)
      apart_since_ms_[pair] = now_ms();
    last->second = now_ms();
  }

  /// Whether a cut began so lately that verdicts may be from before it, and what corrects them is
  /// on another way, or waits for an acknowledgement (seeds 34279, 35476).
  bool was_cut_lately(std::size_t i) {
    for (auto& [pair, since] : apart_since_ms_)
      if (pair.first == i && ready(pair.second) && now_ms() - since < 20'000
          && !linked(i, pair.second, now_ms()))
        return true;
    return false;
  }

  /// Whether both have been able to speak for long enough to have found each other again.
  bool linked(std::size_t a, std::size_t b, std::int64_t at_ms) {
    auto i = apart_ms_.find({a, b});
    return a == b || i == apart_ms_.end() || at_ms - i->second >= 6'000;
  }

  void note_heard(beating_client& x, std::size_t at) {
    x.last_heard_ms = now_ms();
    x.heard_by = at;
  }

  void tend(beating_client& x) {
    if (!x.alive || now_ms() < x.next_beat_ms)
      return;
    x.next_beat_ms = now_ms() + 5'000;
    auto at = some_ready_node();
    if (!at)
      return;
    if (!x.registered || !beat(*at, x.service, x.ip)) {
      note("register ", x.ip, " of ", x.service, " at ", *at);
      register_instance(*at, x.service, x.ip, {{"life", x.life}});
      x.registered = true;
    }
    note("beat ", x.ip, " at ", *at);
    note_heard(x, *at);
  }

  void tend(connected_client& x) {
    if (x.at && !up(x.at->at)) {
      x.went_back |= x.at->link->went_back;
      x.at.reset();
      x.reconnect_ms = now_ms() + 100 + static_cast<std::int64_t>(pick(3'000));
    }
    if (!x.alive || x.at || now_ms() < x.reconnect_ms)
      return;
    auto at = some_ready_node();
    if (!at)
      return;
    note("connect ", x.ip, " of ", x.service, " to ", *at);
    x.at = connect(*at);
    publish(*x.at, x.service, x.ip);
    subscribe(*x.at, x.service);
  }

  written_instance new_written() { return {"3.3.3." + std::to_string(++last_written_)}; }

  void tend(written_instance& x) {
    if (x.write)
      judge_write(x);
    else if (x.read)
      judge_read(x);
    else if (writes_go_on_ && chance(30))
      begin_to_write(x);
  }

  void begin_to_write(written_instance& x) {
    auto at = some_ready_node();
    if (!at)
      return;
    x.at = *at;
    x.began_ms = now_ms();
    x.next = chance(30) ? written_instance::not_there : std::to_string(++lives_);
    note("write ", x.ip, " life [", x.next, "] at ", x.at);
    if (x.next == written_instance::not_there)
      x.write = deregister(x.at, x.service, x.ip, false);
    else
      x.write = register_instance(x.at, x.service, x.ip, {{"life", x.next}}, false);
  }

  /// What is acknowledged the node that took it shows, and every node does that confirms a read.
  void judge_write(written_instance& x) {
    if (!x.write->done())
      return;
    auto code = x.write->code();
    x.write.reset();
    note("write of ", x.ip, code == ec::none ? " acknowledged" : " failed");
    if (code == ec::none) {
      x.may_be = {x.next};
      if (ready(x.at))
        CHECK_MESSAGE(life_at(x.at, x) == x.next, "node ", x.at, " forgot ", x.ip);
      if (auto reader = some_ready_node(); reader && chance(50)) {
        x.at = *reader;
        begin_to_read(x);
      }
      return;
    }
    CHECK(code == ec::unavailable);
    CHECK_MESSAGE(x.began_ms < must_succeed_from_ms_, "a write fails though all is well");
    // It may take effect until long after, so nothing more is known of this one.
    x.may_be.insert(x.next);
    left_.push_back(std::exchange(x, new_written()));
  }

  void begin_to_read(written_instance& x) {
    x.read = std::make_shared<written_instance::confirmed_read>();
    auto answer = [this, &x, read = x.read](const outcome& result) {
      read->done = true;
      if (result.ok())
        read->life = life_at(x.at, x);
    };
    caf::anon_send(nodes[x.at].context->actors.store.get(),
                   confirm_reads{std::make_shared<called_ticket>(std::move(answer))});
  }

  /// I7.
  void judge_read(written_instance& x) {
    if (!x.read->done)
      return;
    if (x.read->life)
      CHECK_MESSAGE(*x.read->life == x.next, "I7: node ", x.at, " showed an old ", x.ip);
    x.read.reset();
  }

  std::string life_at(std::size_t i, const written_instance& x) const {
    auto view = nodes[i].context->tables.directory.find(key(x.service)->view());
    auto known =
      view ? view->publications.find(client_id{x.ip, 80, client_kind::persistent}) : nullptr;
    auto life = known ? find_metadata((*known)->instances.front().metadata, "life") : nullptr;
    return life ? *life : written_instance::not_there;
  }

  /// Time passes; clients do what they do, and what must not happen is looked for.
  void live(std::chrono::milliseconds span) {
    for (; span > 0ms; span -= 200ms) {
      for (auto& x : beating_)
        tend(x);
      for (auto& x : connected_)
        tend(x);
      for (auto& x : written_)
        tend(x);
      run(200ms);
      note_paths();
      if (net->now.loss > 0)
        lossy_ms_ = now_ms();
      for (auto& x : beating_) {
        check_not_lost(x);
        check_not_unhealthy(x);
      }
    }
  }

  // -- what happens -----------------------------------------------------------------------------

  void disturb() {
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
        return toggle(beating_[pick(beating_.size())]);
      case 3:
      case 4:
        return toggle(connected_[pick(connected_.size())]);
      case 5:
        return partition();
      case 6:
        note("heal");
        return net->heal();
      case 7:
        return toggle_node(pick(nodes.size()));
      case 8:
        return roughen();
      case 9:
        return step_clock(pick(nodes.size()));
      case 10:
        return take_back(beating_[pick(beating_.size())]);
      case 11:
      case 12:
        return kill_actor(pick(nodes.size()));
      case 13:
        return toggle_disk(pick(nodes.size()));
      case 14:
        return toggle_target(written_[pick(written_.size())]);
      default:
        return; // peace
    }
  }

  void toggle(beating_client& x) {
    x.alive = !x.alive;
    note(x.alive ? "begin " : "end ", x.ip);
    x.life = std::to_string(++lives_);
    x.registered = false;
    x.next_beat_ms = 0;
    forget(x);
  }

  void forget(beating_client& x) {
    x.shown_since.assign(nodes.size(), -1);
    x.reached_ms.assign(nodes.size(), -1);
    x.told_ms.assign(nodes.size(), -1);
    x.last_heard_ms = -1;
  }

  void take_back(beating_client& x) {
    auto at = some_ready_node();
    if (!x.alive || !at)
      return;
    note("deregister ", x.ip, " at ", *at);
    deregister(*at, x.service, x.ip);
    x.taken_back_ms = now_ms();
    x.alive = false;
    forget(x);
  }

  void toggle(connected_client& x) {
    x.alive = !x.alive;
    note(x.alive ? "begin " : "end ", x.ip);
    if (!x.alive && x.at) {
      x.went_back |= x.at->link->went_back;
      disconnect(*x.at);
      x.at.reset();
    }
    x.reconnect_ms = 0;
  }

  void partition() {
    net->heal();
    auto a = pick(nodes.size());
    auto b = (a + 1 + pick(nodes.size() - 1)) % nodes.size();
    switch (pick(3)) {
      case 0: // one direction of one pair
        note("cut ", a, " -> ", b);
        return cut_way(a, b);
      case 1: // one pair
        note("cut ", a, " - ", b);
        return cut(a, b);
      default: // one node from all others
        note("isolate ", a);
        isolate(a);
    }
  }

  void toggle_node(std::size_t i) {
    if (!up(i)) {
      note("start ", i);
      return begin(i);
    }
    bool politely = chance(30);
    note(politely ? "leave " : "crash ", i);
    politely ? leave(i) : crash(i);
    for (auto& x : beating_)
      x.shown_since[i] = -1;
  }

  /// A node that begins cut off from the others can't ask them for the time.
  void begin(std::size_t i) {
    clocks_off_ |= nodes[i].wall_offset_ms != 0;
    start(i);
  }

  void toggle_disk(std::size_t i) {
    auto& fails = nodes[i].disk->fails;
    fails = fails.empty() ? "no space left" : "";
    note("disk of ", i, fails.empty() ? " works" : " fails");
  }

  /// Whether a persistent instance answers its health checks.
  void toggle_target(const written_instance& x) {
    bool dies = dead_targets_.erase(x.ip) == 0;
    if (dies)
      dead_targets_.insert(x.ip);
    note(x.ip, dies ? " dies" : " comes back");
    for (auto& node : nodes) {
      node.prober->says.erase(x.ip);
      if (dies)
        node.prober->says[x.ip] =
          chance(50) ? scripted_prober::silent() : scripted_prober::refused();
    }
  }

  /// Any actor may die at any time.
  void kill_actor(std::size_t i) {
    if (!up(i))
      return;
    auto all = actor_tree(*this, *nodes[i].context);
    auto& chosen = all[pick(all.size())];
    note("kill ", chosen.kind, ' ', chosen.key, " of ", i);
    caf::anon_send_exit(chosen.actor, caf::exit_reason::kill);
    if (chosen.kind == node_state::name) // as the process does
      spawn_node(sys, nodes[i].context);
  }

  void roughen() {
    net->now.loss = chance(50) ? 0 : 0.01 * static_cast<double>(pick(21));
    net->now.doubled = chance(50) ? 0 : 0.01 * static_cast<double>(pick(21));
    net->now.delay_max_ms = chance(50) ? 2 : static_cast<std::int64_t>(pick(1'500));
    note("network: loss ", net->now.loss, " doubled ", net->now.doubled, " delay up to ",
         net->now.delay_max_ms);
  }

  void step_clock(std::size_t i) {
    nodes[i].wall_offset_ms += static_cast<std::int64_t>(pick(20'000)) - 10'000;
    clock_error_ms_ = std::max(clock_error_ms_, std::abs(nodes[i].wall_offset_ms));
    note("clock of ", i, " now ", nodes[i].wall_offset_ms, " off");
  }

  // -- what must hold ---------------------------------------------------------------------------

  /// I2. A node that could hear of the client's beats, over one other node at most, shows it once
  /// it did, as long as it beats.
  void check_not_lost(beating_client& x) {
    if (!x.alive)
      return;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!ready(i)) {
        x.shown_since[i] = -1;
        continue;
      }
      // News of a beat takes its time, the more in a rough network: it goes to the node that is
      // responsible and from there to the others.
      auto travel_ms = 3'000 + 2 * net->now.delay_max_ms;
      bool travelled = x.last_heard_ms >= 0 && now_ms() - x.last_heard_ms >= travel_ms;
      bool taken = travelled && up(x.heard_by);
      if (taken && reaches(x.heard_by, i, now_ms()))
        x.reached_ms[i] = std::max(x.reached_ms[i], x.last_heard_ms);
      if (taken && reaches(x.heard_by, i, x.last_heard_ms))
        x.told_ms[i] = std::max(x.told_ms[i], x.last_heard_ms);
      bool is_shown = shows(i, x);
      if (is_shown && x.shown_since[i] < 0)
        x.shown_since[i] = now_ms();
      if (is_shown || x.shown_since[i] < 0)
        continue;
      // Of two lives, told on two sides of a cut, the later one is unknown if clocks differ; so is
      // whether it began before the earlier one was taken back.
      if (clocks_off_
          && (shows_other_content(i, x) || now_ms() - x.taken_back_ms < 2 * clock_error_ms_)) {
        x.shown_since[i] = -1;
        continue;
      }
      INFO("at ", now_ms(), " node ", i, " lost ", x.ip, ", which beat ",
           now_ms() - x.reached_ms[i], " ms ago");
      CHECK(now_ms() - x.reached_ms[i] > 20'000);
      note("node ", i, " lost ", x.ip);
      x.shown_since[i] = -1;
    }
  }

  /// I2. Nobody says that a client's beats stopped to a node that hears of them, nor does one that
  /// was cut off and may have missed them.
  void check_not_unhealthy(const beating_client& x) {
    if (!x.alive || now_ms() - lossy_ms_ < 20'000)
      return; // a beat is told once
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!ready(i) || !shows_unhealthy(i, x) || !all_linked_hear(i, x) || was_cut_lately(i))
        continue;
      INFO("at ", now_ms(), " node ", i, " calls ", x.ip, " unhealthy, which beat ",
           now_ms() - x.last_heard_ms, " ms ago");
      CHECK(false);
    }
  }

  bool all_linked_hear(std::size_t i, const beating_client& x) {
    for (std::size_t j = 0; j < nodes.size(); ++j)
      if (linked(i, j, now_ms()) && ready(j) && now_ms() - x.told_ms[j] > 12'000)
        return false;
    return true;
  }

  bool reaches(std::size_t from, std::size_t to, std::int64_t at_ms) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (linked(from, i, at_ms) && linked(i, to, at_ms))
        return true;
    return false;
  }

  /// What node `i` shows at the client's address; null if nothing.
  publication_ptr shown_at(std::size_t i, const beating_client& x) const {
    auto view = nodes[i].context->tables.directory.find(key(x.service)->view());
    auto known =
      view ? view->publications.find(client_id{x.ip, 80, client_kind::ephemeral}) : nullptr;
    return known ? *known : nullptr;
  }

  static bool is_of(const publication_ptr& shown, const beating_client& x) {
    auto life = shown ? find_metadata(shown->instances.front().metadata, "life") : nullptr;
    return life && *life == x.life;
  }

  bool shows(std::size_t i, const beating_client& x) const { return is_of(shown_at(i, x), x); }

  bool shows_unhealthy(std::size_t i, const beating_client& x) const {
    auto shown = shown_at(i, x);
    return is_of(shown, x) && !shown->healthy();
  }

  bool shows_other_content(std::size_t i, const beating_client& x) const {
    auto shown = shown_at(i, x);
    return shown && !is_of(shown, x);
  }

  /// The faults end; nodes come back.
  void recover() {
    note("recover");
    net->heal();
    net->now = {0, 0, 0, 2};
    for (auto& x : nodes)
      x.disk->fails.clear();
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (!up(i))
        begin(i);
    must_succeed_from_ms_ = now_ms() + 30'000;
    live(50s);
    writes_go_on_ = false;
    live(20s);
  }

  void judge() {
    CHECK_MESSAGE(agree(), "I1: digests differ");
    for (std::size_t s = 0; s < services_count; ++s) {
      auto wanted = expected(service_name(s));
      for (std::size_t i = 0; i < nodes.size(); ++i)
        CHECK_MESSAGE(shown(i, service_name(s)) == wanted, "I1: node ", i, ' ', service_name(s));
    }
    auto& ring = nodes[0].context->cluster->now()->ring().ring();
    CHECK_MESSAGE(ring.size() == nodes.size(), "I5: nodes are missing in the ring");
    for (auto& x : nodes)
      CHECK_MESSAGE(x.context->cluster->now()->ring().ring() == ring, "I5: rings differ");
    for (auto& x : connected_)
      if (x.at)
        judge_pushes(x);
    for (auto& x : written_) {
      CHECK(x.may_be.size() == 1);
      left_.push_back(x);
    }
    for (auto& x : left_)
      judge_written(x);
  }

  /// I3, and I1 for the store.
  void judge_written(const written_instance& x) {
    auto shown = life_at(0, x);
    CHECK_MESSAGE(x.may_be.count(shown) == 1, "I3: ", x.ip, " is [", shown, ']');
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      CHECK_MESSAGE(life_at(i, x) == shown, "I1: nodes differ in ", x.ip);
      auto view = nodes[i].context->tables.directory.find(key(x.service)->view());
      auto known =
        view ? view->publications.find(client_id{x.ip, 80, client_kind::persistent}) : nullptr;
      if (known)
        CHECK_MESSAGE((*known)->healthy() == (dead_targets_.count(x.ip) == 0), "I1: node ", i,
                      " is wrong about the health of ", x.ip);
    }
  }

  std::string expected(const std::string& service) const {
    std::set<std::string> all;
    for (auto& x : beating_)
      if (x.alive && x.service == service)
        all.insert(x.ip + '+');
    for (auto& x : connected_)
      if (x.alive && x.service == service)
        all.insert(x.ip + '+');
    std::string text;
    for (auto& x : all)
      text += (text.empty() ? "" : " ") + x;
    return text;
  }

  /// I4.
  void judge_pushes(const connected_client& x) {
    std::string wanted = expected(x.service);
    std::erase(wanted, '+');
    auto& pushed = x.at->link->pushed["DEFAULT_GROUP@@" + x.service];
    auto& plain = x.at->link->pushed[x.service];
    CHECK_MESSAGE((pushed.second == wanted || plain.second == wanted), "I4: ", x.ip, " was told [",
                  plain.second, "], wanted [", wanted, ']');
    CHECK_MESSAGE(!(x.went_back || x.at->link->went_back), "lastRefTime went back for ", x.ip);
  }

  bool trace_;
  std::vector<beating_client> beating_;
  std::vector<connected_client> connected_;
  std::vector<written_instance> written_;
  /// Those of which a write failed.
  std::vector<written_instance> left_;
  unsigned last_written_ = 0;
  /// Addresses that answer no health check.
  std::set<std::string> dead_targets_;
  bool writes_go_on_ = true;
  /// Writes that began later have to succeed: all has been well for a while.
  std::int64_t must_succeed_from_ms_ = std::numeric_limits<std::int64_t>::max();
  unsigned lives_ = 0;
  bool clocks_off_ = false;
  /// How far any clock was off.
  std::int64_t clock_error_ms_ = 0;
  /// When two nodes could last not speak to each other.
  std::map<std::pair<std::size_t, std::size_t>, std::int64_t> apart_ms_;
  /// And since when they could not, at that time.
  std::map<std::pair<std::size_t, std::size_t>, std::int64_t> apart_since_ms_;
  /// When frames could last be lost.
  std::int64_t lossy_ms_ = -1'000'000;
};

} // namespace

TEST_CASE("simulation: a cluster under random work and faults keeps its invariants") {
  under_seeds([](std::uint64_t seed) { simulation(seed).play(); }, 300);
}
