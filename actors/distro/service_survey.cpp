#include "actors/distro/service_survey.hpp"

#include "actors/distro/cluster_context.hpp"
#include "actors/distro/cluster_report.hpp"
#include "actors/distro/replication.hpp"

namespace nacre {

service_survey::service_survey(std::string self, service_ref service,
                               std::vector<std::string> others, std::vector<instance_record> own,
                               ticket_ptr answer)
  : self_(std::move(self)),
    service_(std::move(service)),
    others_(std::move(others)),
    own_(std::move(own)),
    answer_(std::move(answer)) {}

service_survey::~service_survey() { complete(answer_, {ec::none, report()}); }

cluster_message service_survey::question(std::uint64_t id) const {
  return service_query{id, service_->namespace_id, service_->group, service_->name};
}

void service_survey::take(const std::string& node, cluster_message answer) {
  if (auto said = std::get_if<service_answer>(&answer)) {
    std::lock_guard guard(lock_);
    taken_[node] = std::move(said->records);
  }
}

std::string service_survey::report() const {
  bool equal = true;
  json_writer nodes;
  nodes.begin_array();
  for (auto& node : others_) {
    nodes.begin_object().field("node", node);
    auto taken = taken_.find(node);
    nodes.field("answered", taken != taken_.end());
    if (taken == taken_.end())
      equal = false; // nobody knows
    else
      equal &= write_differences(nodes, own_, taken->second);
    nodes.end_object();
  }
  nodes.end_array();
  json_writer out;
  out.begin_object()
    .field("mode", "cluster")
    .field("namespaceId", service_->namespace_id)
    .field("service", service_->grouped_name())
    .field("equal", equal)
    .field("self", self_)
    .field("records", own_.size())
    .key("nodes")
    .raw(nodes.view())
    .end_object();
  return out.take();
}

std::vector<instance_record> records_of_service(const node_context& context,
                                                const service_key_view& service, steady_time now) {
  std::vector<instance_record> records;
  auto view = context.tables.directory.find(service);
  if (!view)
    return records;
  auto cluster = context.cluster->now();
  view->publications.for_each([&](const publication_ptr& x) {
    if (auto known = context.cluster->replicas.find(x->lease->client, service))
      records.push_back(record_of(*cluster, *known, now));
  });
  return records;
}

void survey_service(const node_context& context, const service_ref& service, ticket_ptr answer,
                    steady_time now) {
  auto& cluster = *context.cluster;
  auto peers = cluster.peers.all();
  std::vector<std::string> others;
  for (auto& peer : peers)
    others.push_back(peer->address);
  auto survey = std::make_shared<service_survey>(cluster.self, service, std::move(others),
                                                 records_of_service(context, service->view(), now),
                                                 std::move(answer));
  for (auto& peer : peers)
    if (peer->open())
      caf::anon_send(peer->actor.get(), ask_peer{survey});
}

} // namespace nacre
