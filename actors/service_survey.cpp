#include "actors/service_survey.hpp"

#include "actors/cluster_report.hpp"
#include "actors/cluster_view.hpp"
#include "actors/distro_peer.hpp"

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

void service_survey::take(const std::string& node, std::vector<instance_record> records) {
  std::lock_guard guard(lock_);
  taken_[node] = std::move(records);
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

void survey_service(const node_context& context, const service_ref& service, ticket_ptr answer,
                    std::int64_t now_ms) {
  auto& cluster = *context.cluster;
  auto peers = cluster.peers.all();
  std::vector<std::string> others;
  for (auto& x : peers)
    others.push_back(x->address);
  auto survey = std::make_shared<service_survey>(
    cluster.self, service, std::move(others),
    records_of_service(context, service->view(), now_ms), std::move(answer));
  for (auto& x : peers)
    if (x->open)
      caf::anon_send(x->actor.get(), ask_service{service, survey});
}

} // namespace nacre
