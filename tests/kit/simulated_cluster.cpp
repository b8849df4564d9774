#include "tests/kit/simulated_cluster.hpp"

#include "protocol/json_reader.hpp"

namespace nacre::test {

namespace {

constexpr std::int64_t epoch_ms = 1'700'000'000'000;

} // namespace

simulated_cluster::simulated_cluster(std::uint64_t seed, std::size_t count)
  : deterministic(seed), net(std::make_shared<simulated_network>(rng)) {
  for (std::size_t i = 0; i < count; ++i)
    nodes.push_back({"10.0.0." + std::to_string(i + 1) + ":8848", nullptr});
  net->now.delay_max_ms = 2;
}

simulated_cluster::~simulated_cluster() {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (up(i))
      crash(i);
}

std::vector<std::string>
simulated_cluster::addresses(const std::vector<std::size_t>& members) const {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (members.empty() || std::find(members.begin(), members.end(), i) != members.end())
      list.push_back(nodes[i].address);
  std::sort(list.begin(), list.end());
  return list;
}

void simulated_cluster::list(std::size_t i, const std::vector<std::size_t>& members) {
  caf::anon_send(nodes[i].context->cluster->membership.get(), members_listed{addresses(members)});
}

void simulated_cluster::start(std::size_t i, const std::vector<std::size_t>& listed) {
  auto& x = nodes[i];
  auto members = addresses(listed);
  clock_source clocks{[this, i] { return wall_at(epoch_ms + now_ms() + nodes[i].wall_offset_ms); },
                      [this] { return now(); }};
  x.context = std::make_shared<node_context>(node_options, 2, std::move(clocks));
  auto incarnation = to_ms(x.context->clock.wall()) * 1'000 + ++x.starts;
  x.context->cluster = std::make_shared<cluster_context>(x.address, incarnation, members);
  x.context->cluster->network = net->of(x.address);
  x.context->disk = x.disk;
  x.context->prober = x.prober;
  x.context->life = rng();
  net->listen(x.address, [context = std::weak_ptr<node_context>(x.context)](const std::string& from,
                                                                            std::string frame) {
    if (auto node = context.lock())
      receive_frame(*node, from, std::move(frame));
  });
  spawn_node(sys, x.context);
  settle();
}

void simulated_cluster::start_all() {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    start(i);
  REQUIRE(run_until([this] { return all_ready(); }, 10s));
  run(2s);
}

void simulated_cluster::crash(std::size_t i) {
  auto context = std::exchange(nodes[i].context, nullptr);
  net->stop(nodes[i].address);
  // Nothing gets out any more, so the order in which its actors end is nobody's concern.
  caf::anon_send_exit(context->actors.node.get(), caf::exit_reason::user_shutdown);
  settle();
}

void simulated_cluster::leave(std::size_t i) {
  auto& cluster = *nodes[i].context->cluster;
  self->request(cluster.membership.get(), caf::infinite, leave_cluster{});
  run(step_length);
  crash(i);
}

void simulated_cluster::isolate(std::size_t i) {
  for (std::size_t other = 0; other < nodes.size(); ++other)
    if (other != i)
      cut(i, other);
}

void simulated_cluster::run(std::chrono::milliseconds span) {
  settle();
  for (; span > 0ms; span -= step_length) {
    sched.clock().advance_time(step_length);
    settle();
    net->run(now_ms());
    settle();
  }
}

bool simulated_cluster::all_ready() const {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (!ready(i))
      return false;
  return true;
}

std::string simulated_cluster::shown(std::size_t i, const std::string& service) const {
  std::set<std::string> lines;
  if (auto view = nodes[i].context->tables.directory.find(key(service)->view()))
    view->for_each_instance(
      [&](const publication&, const instance& x) { lines.insert(x.ip + (x.healthy ? '+' : '-')); });
  std::string text;
  for (auto& line : lines)
    text += (text.empty() ? "" : " ") + line;
  return text;
}

bool simulated_cluster::all_show(const std::string& service, const std::string& wanted) const {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (up(i) && shown(i, service) != wanted) {
      MESSAGE("node ", i, " shows ", shown(i, service));
      return false;
    }
  return true;
}

bool simulated_cluster::agree() const {
  std::optional<std::vector<std::uint64_t>> first;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!up(i))
      continue;
    auto digests = nodes[i].context->cluster->replicas.digests();
    if (first && *first != digests)
      return false;
    first = std::move(digests);
  }
  return true;
}

pending_write simulated_cluster::register_instance(std::size_t i, const std::string& service,
                                                   const std::string& ip, metadata_map metadata,
                                                   bool ephemeral) {
  instance what;
  what.ip = ip;
  what.port = 80;
  what.ephemeral = ephemeral;
  what.metadata = std::move(metadata);
  pending_write write;
  naming::register_instance(*nodes[i].context, key(service), std::move(what), {}, write.ticket());
  return write;
}

pending_write simulated_cluster::deregister(std::size_t i, const std::string& service,
                                            const std::string& ip, bool ephemeral) {
  instance what;
  what.ip = ip;
  what.port = 80;
  what.ephemeral = ephemeral;
  pending_write write;
  naming::deregister_instance(*nodes[i].context, key(service), what, {}, write.ticket());
  return write;
}

bool simulated_cluster::beat(std::size_t i, const std::string& service, const std::string& ip) {
  auto nobody = [](const renewal_result&) { return nullptr; };
  return naming::beat(*nodes[i].context, key(service), {ip, 80}, nobody).state != renewal::unknown;
}

bool simulated_cluster::test_link::send(server_request request) {
  json_document body(request.body.str());
  auto to = of.lock();
  auto id = std::stoull(std::string(*body.root()["requestId"].string()));
  if (to) {
    to->active = cluster.now();
    caf::anon_send(to->actor.get(), request_answered{id, true});
  }
  if (request.type != "NotifySubscriberRequest")
    return true;
  auto info = body.root()["serviceInfo"];
  std::string ips;
  std::set<std::string> sorted;
  for (auto& host : info["hosts"].elements())
    sorted.insert(std::string(*host["ip"].string()));
  for (auto& ip : sorted)
    ips += (ips.empty() ? "" : " ") + ip;
  auto time = static_cast<std::int64_t>(*info["lastRefTime"].number());
  auto& last = pushed[std::string(*info["name"].string())];
  // What comes again after a lost acknowledgement is the same list.
  if (time < last.first || (time == last.first && ips != last.second))
    went_back = true;
  last = {time, ips};
  return true;
}

simulated_cluster::client simulated_cluster::connect(std::size_t i) {
  client x;
  x.at = i;
  x.link = std::make_shared<test_link>(*this);
  connection_info info;
  info.id = std::to_string(now_ms()) + "_10.9.9.9_" + std::to_string(++connections_);
  info.client_ip = info.remote_ip = "10.9.9.9";
  x.connection = std::make_shared<connection>(std::move(info), x.link, now());
  x.link->of = x.connection;
  CHECK(open_connection(sys, nodes[i].context, x.connection)
        == connection_table::admission::admitted);
  return x;
}

pending_write simulated_cluster::publish(client& x, const std::string& service,
                                         const std::string& ip) {
  instance what;
  what.ip = ip;
  what.port = 80;
  return publish(x, service, instance_list{what});
}

pending_write simulated_cluster::publish(client& x, const std::string& service,
                                         instance_list what) {
  pending_write write;
  caf::anon_send(x.connection->actor.get(),
                 publish_instances{key(service), std::move(what), write.ticket()});
  return write;
}

pending_write simulated_cluster::withdraw(client& x, const std::string& service) {
  pending_write write;
  caf::anon_send(x.connection->actor.get(), withdraw_instances{key(service), write.ticket()});
  return write;
}

pending_write simulated_cluster::subscribe(client& x, const std::string& service) {
  pending_write write;
  caf::anon_send(x.connection->actor.get(),
                 subscribe_service{key(service), "", "app", write.ticket()});
  return write;
}

} // namespace nacre::test
