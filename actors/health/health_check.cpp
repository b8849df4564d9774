#include "actors/health/health_check.hpp"

#include <spdlog/spdlog.h>

#include "actors/distro/cluster_context.hpp"
#include "actors/distro/peer_survey.hpp"

namespace nacre {

using namespace std::chrono_literals;

namespace {

/// A target that is new here is probed for the first time within this span, so that many are spread
/// over it.
constexpr milliseconds first_probe_within{2'000};
constexpr milliseconds takeover_within{4'000};

/// One that is not to be probed is looked at again after this time: settings change.
constexpr milliseconds unprobed_interval{5'000};

/// A name that leads nowhere is looked up again after this time.
constexpr milliseconds look_up_interval{60'000};

/// Probes that are due so soon go along.
constexpr milliseconds batch_span{10};

/// One that suspects itself has others probe so many of those that fail, this often.
constexpr std::size_t second_opinion_targets = 3;
constexpr milliseconds second_opinion_interval{5'000};

/// Probes for others under way at once.
constexpr std::size_t inquiries_max = 64;

const switch_domain::check_params& params_of(health_checker::kind type, const switch_domain& all) {
  return type == health_checker::kind::http    ? all.http_health
         : type == health_checker::kind::mysql ? all.mysql_health
                                               : all.tcp_health;
}

/// Asks one peer, and tells the HEALTH CHECK what it said, or that it said nothing.
class opinion_survey final : public peer_survey {
public:
  opinion_survey(health_check_actor asker, std::vector<probe_target> targets)
    : asker_(std::move(asker)), targets_(std::move(targets)) {}

  ~opinion_survey() override { caf::anon_send(asker_, std::move(said_)); }

  cluster_message question(std::uint64_t id) const override { return probe_query{id, targets_}; }

  void take(const std::string& node, cluster_message answer) override {
    if (auto found = std::get_if<probe_findings>(&answer))
      said_ = {node, found->well, found->failed};
  }

private:
  const health_check_actor asker_;
  const std::vector<probe_target> targets_;
  second_opinion said_;
};

} // namespace

void health_check_state::start(node_context_ptr ctx) {
  context = std::move(ctx);
  policy.emplace(context->options, context->own_ip);
  random.seed(context->life + self->id());
  auto& bounds = context->options.health;
  suspicion.emplace(bounds.suspicious_targets_min, bounds.suspicious_percent);
  if (auto store = context->actors.store.get(); store && is_restart(birth))
    self->send(store, agreed_state_wanted{}); // readers are shown all of it again, and so is this
}

// -- what there is to probe ----------------------------------------------------------------------

bool health_check_state::is_ours(const client_id& client) const {
  return context->prober && (!context->cluster || context->cluster->now()->is_responsible(client));
}

void health_check_state::count(const target& x, int by) {
  if (!x.is_ours)
    return;
  ours += by;
  healthy += x.is_healthy() ? by : 0;
  failing += x.is_healthy() && x.state.failed_last() ? by : 0;
}

template <class Change>
void health_check_state::change(target& x, Change f) {
  count(x, -1);
  f();
  count(x, 1);
}

void health_check_state::on_shown(const instance_shown& msg) {
  auto [i, is_new] = targets.try_emplace({msg.service, msg.client});
  auto& x = i->second;
  bool was_healthy = x.is_healthy();
  change(x, [&] {
    x.cluster = msg.cluster;
    x.unhealthy_since_ms = msg.unhealthy_since_ms;
  });
  if (x.is_ours && x.last && x.is_healthy() != was_healthy)
    spdlog::info("instance-{} {} of {}: {}", x.is_healthy() ? "healthy" : "unhealthy",
                 msg.client.address(), msg.service->full_name(), x.last->why);
  if (!is_new || !is_ours(msg.client))
    return;
  take_over(*i);
  schedule(*i, milliseconds(random() % to_ms(first_probe_within)));
  arm();
}

void health_check_state::on_taken(const instance_taken& msg) {
  auto i = targets.find({msg.service, msg.client});
  if (i == targets.end())
    return;
  let_go(*i);
  targets.erase(i);
}

void health_check_state::on_cluster_changed(const cluster_changed& msg) {
  if (!msg.ring)
    return;
  for (auto& x : targets) {
    bool now_ours = is_ours(x.first.second);
    if (now_ours && !x.second.is_ours) {
      take_over(x);
      schedule(x, milliseconds(random() % to_ms(takeover_within)));
    } else if (!now_ours && x.second.is_ours) {
      let_go(x);
    }
  }
  arm();
}

void health_check_state::take_over(entry& x) {
  change(x.second, [&] {
    x.second.is_ours = true;
    x.second.state = {};
  });
}

void health_check_state::let_go(entry& x) {
  due.erase({x.second.next_probe, x.first});
  under_way.erase(x.second.probe_number);
  change(x.second, [&] { x.second.is_ours = false; });
}

// -- probes --------------------------------------------------------------------------------------

milliseconds health_check_state::varied(milliseconds span, double share) {
  std::uniform_real_distribution factor(1 - share, 1 + share);
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(to_ms(span)) * factor(random)));
}

void health_check_state::schedule(entry& x, milliseconds wait) {
  due.erase({x.second.next_probe, x.first});
  x.second.next_probe = context->clock.steady() + wait;
  due.emplace(x.second.next_probe, x.first);
}

void health_check_state::arm() {
  if (!due.empty())
    timer.set(self, due.begin()->first, context->clock.steady(), batch_span);
}

void health_check_state::on_ring(const ring& msg) {
  if (!timer.rings(msg))
    return;
  std::vector<probe_order> orders;
  auto own_nodes = nodes();
  auto until = context->clock.steady() + batch_span;
  while (!due.empty() && due.begin()->first <= until) {
    auto& x = *targets.find(due.begin()->second);
    due.erase(due.begin());
    complaint why;
    auto order = order_for(x, own_nodes, why);
    x.second.unprobed = why.value_or("");
    if (order) {
      x.second.probe_number = order->number;
      x.second.is_looked_up = !order->checker;
      under_way.emplace(order->number, x.first);
      orders.push_back(std::move(*order));
    } else {
      schedule(x, varied(unprobed_interval, 0.1));
    }
  }
  probe(std::move(orders));
  arm();
}

void health_check_state::probe(std::vector<probe_order> orders) {
  if (orders.empty())
    return;
  auto me = caf::actor_cast<health_check_actor>(self);
  context->prober->probe(std::move(orders), [me](std::vector<probe_answer> answers) {
    caf::anon_send(me, targets_probed{std::move(answers)});
  });
}

bool health_check_state::is_enabled(const service_ref& service) const {
  auto switches = context->tables.store.switches();
  return switches->health_check_enabled
         || switches->health_check_white_list.count(service->grouped_name()) != 0;
}

/// Nothing can be agreed on by one that is, and what it can't reach may be well.
bool health_check_state::is_cut_off() const {
  return context->cluster && !context->cluster->now()->has_quorum_contact();
}

std::optional<probe_order> health_check_state::order_for(const entry& x,
                                                         const std::vector<std::string>& own_nodes,
                                                         complaint& why) {
  auto& [service, client] = x.first;
  auto settings = context->tables.store.metadata(service->view());
  auto& cluster = cluster_of(settings, x.second.cluster);
  auto port = cluster.use_instance_port ? client.port : cluster.check_port;
  if (!is_enabled(service))
    why = "health checks are switched off";
  else if (is_cut_off())
    why = "this node is cut off from the others";
  else if (cluster.checker.type == health_checker::kind::none)
    why = "its cluster has no health check";
  else if (context->options.health.resolve_names && !target_policy::is_literal(address_of(x)))
    return probe_order{++last_number, client.ip.str(), port, nullptr};
  else
    why = policy->refuses(address_of(x), port, own_nodes);
  if (why)
    return std::nullopt;
  return probe_order{++last_number,
                     address_of(x),
                     port,
                     {settings, &cluster.checker}}; // lives as long as the settings
}

std::string health_check_state::address_of(const entry& x) {
  return x.second.resolved.empty() ? x.first.second.ip.str() : x.second.resolved;
}

void health_check_state::take_address(entry& x, const probe_answer& answer) {
  x.second.is_looked_up = false;
  x.second.resolved = answer.address;
  if (answer.address.empty())
    x.second.unprobed = "its name leads to no address";
  schedule(x, answer.address.empty() ? look_up_interval : milliseconds(0));
}

std::vector<std::string> health_check_state::nodes() const {
  std::vector<std::string> all;
  if (!context->cluster)
    return all;
  auto view = context->cluster->now(); // MEMBERSHIP may replace it meanwhile
  for (auto& x : view->members())
    all.push_back(x.address);
  return all;
}

void health_check_state::on_probed(targets_probed& msg) {
  for (auto& answer : msg.answers) {
    auto found = under_way.find(answer.number);
    if (found == under_way.end()) { // not ours any more, or never was
      take_finding(answer.number, answer);
      continue;
    }
    auto& x = *targets.find(found->second);
    under_way.erase(found);
    if (x.second.is_looked_up)
      take_address(x, answer);
    else
      judge(x, answer);
  }
  arm();
}

void health_check_state::judge(entry& x, const probe_answer& answer) {
  auto& target = x.second;
  auto settings = context->tables.store.metadata(x.first.first->view());
  auto type = cluster_of(settings, target.cluster).checker.type;
  auto switches = context->tables.store.switches();
  std::optional<bool> verdict;
  change(target,
         [&] { verdict = target.state.judge(answer, target.is_healthy(), switches->check_times); });
  target.interval = target.state.next_interval(answer, params_of(type, *switches));
  target.last_ms = to_ms(context->clock.wall());
  // Those that began together are spread over the interval, and kept so.
  schedule(x, varied(target.interval, target.last ? 0.1 : 0.5));
  target.last = answer;
  bool suspicious = (verdict == false || suspicion->is_suspicious()) && suspects_itself();
  if (verdict && is_enabled(x.first.first) && !is_cut_off() && (*verdict || !suspicious))
    flip(x, *verdict);
}

/// Again with the next answer, as long as it is not agreed on.
void health_check_state::flip(const entry& x, bool now_healthy) {
  auto& [service, client] = x.first;
  if (auto store = context->actors.store.get())
    self->send(store, propose{agreed::set_health{agreed::name_of(*service), client.ip.str(),
                                                 client.port, now_healthy},
                              {},
                              nullptr});
}

// -- doubts --------------------------------------------------------------------------------------

bool health_check_state::suspects_itself() {
  auto now = context->clock.steady();
  bool holds = suspicion->holds(failing, healthy, now);
  if (suspicion->is_new())
    spdlog::warn("health-check-suspects-itself: {} of {} healthy targets do not answer, they are "
                 "kept for a while",
                 failing, healthy);
  if (holds && now - asked_another >= second_opinion_interval)
    ask_another();
  return holds;
}

void health_check_state::ask_another() {
  asked_another = context->clock.steady();
  if (!context->cluster)
    return;
  auto peers = context->cluster->peers.all();
  std::erase_if(peers, [](auto& x) { return !x->open(); });
  if (peers.empty())
    return;
  std::vector<const target_key*> dead;
  for (auto& [key, x] : targets)
    if (x.is_ours && x.is_healthy() && x.state.failed_last())
      dead.push_back(&key);
  std::vector<const target_key*> chosen;
  std::sample(dead.begin(), dead.end(), std::back_inserter(chosen), second_opinion_targets, random);
  std::vector<probe_target> wanted;
  for (auto x : chosen)
    wanted.push_back({x->first->namespace_id, x->first->group, x->first->name, x->second.ip.str(),
                      x->second.port});
  auto me = caf::actor_cast<health_check_actor>(self);
  caf::anon_send(peers[next_to_ask++ % peers.size()]->actor.get(),
                 ask_peer{std::make_shared<opinion_survey>(std::move(me), std::move(wanted))});
}

void health_check_state::on_opinion(const second_opinion& msg) {
  if (msg.well + msg.failed == 0 || !suspicion->is_suspicious())
    return;
  bool agrees = msg.failed > msg.well;
  spdlog::warn("health-check-second-opinion of {}: {} of {} targets that fail here are well there, "
               "{}",
               msg.from, msg.well, msg.well + msg.failed,
               agrees ? "so what is found here is believed" : "so they are kept");
  if (agrees)
    suspicion->confirm();
  else
    suspicion->refute(context->clock.steady());
}

/// Only instances that this node knows too are probed, by its own policy.
void health_check_state::on_opinion_wanted(second_opinion_wanted& msg) {
  auto& query = msg.query;
  auto one = std::make_shared<inquiry>(inquiry{std::move(msg.from), {query.id}});
  std::vector<probe_order> orders;
  auto own_nodes = nodes();
  for (auto& x : query.targets) {
    auto known = targets.find({make_service_ref({x.namespace_id, x.group, x.service}),
                               {x.ip, x.port, client_kind::persistent}});
    complaint why;
    if (known == targets.end() || inquiries.size() >= inquiries_max || !context->prober)
      continue;
    if (auto order = order_for(*known, own_nodes, why); order && order->checker) {
      inquiries.emplace(order->number, one);
      ++one->awaited;
      orders.push_back(std::move(*order));
    }
  }
  probe(std::move(orders));
}

void health_check_state::take_finding(std::uint64_t number, const probe_answer& answer) {
  auto found = inquiries.find(number);
  if (found == inquiries.end())
    return;
  auto one = std::move(found->second);
  inquiries.erase(found);
  ++(answer.what == probe_answer::kind::ok ? one->findings.well : one->findings.failed);
  if (--one->awaited > 0)
    return;
  if (auto peer = context->cluster->peers.find(one->from))
    context->cluster->send(*peer, one->findings);
}

// -- for operators -------------------------------------------------------------------------------

void health_check_state::write(json_writer& out, const entry& x) const {
  auto& [service, client] = x.first;
  auto& target = x.second;
  auto settings = context->tables.store.metadata(service->view());
  out.begin_object()
    .field("namespaceId", service->namespace_id)
    .field("service", service->grouped_name())
    .field("cluster", target.cluster)
    .field("instance", client.address())
    .field("type", to_string(cluster_of(settings, target.cluster).checker.type))
    .field("healthy", target.is_healthy());
  if (!target.is_healthy())
    out.field("unhealthySince", target.unhealthy_since_ms);
  if (context->cluster)
    out.field("owner", context->cluster->now()->responsible_for(client));
  if (!target.resolved.empty())
    out.field("address", target.resolved);
  if (target.is_ours && !target.unprobed.empty())
    out.field("notProbed", target.unprobed);
  if (target.is_ours && target.last)
    out.field("lastResult", target.last->why)
      .field("lastProbe", target.last_ms)
      .field("tookMs", to_ms(target.last->took))
      .field("intervalMs", to_ms(target.interval));
  out.end_object();
}

void health_check_state::on_describe(const describe_health& msg) {
  auto now = to_ms(context->clock.wall());
  json_writer out;
  out.begin_object();
  details(out);
  out.key("list").begin_array();
  std::size_t found = 0;
  for (auto& x : targets) {
    auto& target = x.second;
    if (msg.service && x.first.first != msg.service)
      continue;
    if (msg.dead_for
        && (target.is_healthy() || now - target.unhealthy_since_ms < to_ms(*msg.dead_for)))
      continue;
    if (found >= msg.offset && found < msg.offset + msg.limit)
      write(out, x);
    ++found;
  }
  out.end_array().field("found", found).end_object();
  complete(msg.answer, {ec::none, out.take()});
}

std::string health_check_state::summary() const {
  return std::to_string(ours) + " of " + std::to_string(targets.size()) + " targets, "
         + std::to_string(failing) + " failing"
         + (suspicion->is_suspicious() ? ", suspects itself" : "");
}

void health_check_state::details(json_writer& out) const {
  out.field("targets", targets.size())
    .field("ours", ours)
    .field("healthy", healthy)
    .field("failing", failing)
    .field("underWay", under_way.size())
    .field("suspectsItself", suspicion->is_suspicious());
}

health_check_actor::behavior_type
health_check(health_check_actor::stateful_pointer<health_check_state> self,
             node_context_ptr context, birth_ptr birth) {
  init_state(self, std::move(birth));
  self->state.start(std::move(context));
  return {
    on<&health_check_state::on_shown>(self),
    on<&health_check_state::on_taken>(self),
    on<&health_check_state::on_cluster_changed>(self),
    on<&health_check_state::on_probed>(self),
    on<&health_check_state::on_opinion_wanted>(self),
    on<&health_check_state::on_opinion>(self),
    on<&health_check_state::on_describe>(self),
    on<&health_check_state::on_ring>(self),
    on_status(self),
  };
}

} // namespace nacre
