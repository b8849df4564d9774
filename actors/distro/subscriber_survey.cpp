#include "actors/distro/subscriber_survey.hpp"

#include <algorithm>

#include "actors/distro/cluster_context.hpp"

namespace nacre {

namespace {

bool before(const subscriber_row& a, const subscriber_row& b) {
  return a.identity() < b.identity();
}

/// Sorts, and keeps one of those that are the same.
void make_set(std::vector<subscriber_row>& rows) {
  std::stable_sort(rows.begin(), rows.end(), before);
  auto same = [](const auto& a, const auto& b) { return a.identity() == b.identity(); };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
}

bool matches(const service_key& service, const subscriber_filter& wanted) {
  if (service.namespace_id != wanted.namespace_id)
    return false;
  return wanted.by_part ? service.name.find(wanted.service) != std::string::npos
                            && service.group.find(wanted.group) != std::string::npos
                        : service.name == wanted.service && service.group == wanted.group;
}

class subscriber_survey final : public peer_survey {
public:
  subscriber_survey(subscriber_filter wanted, std::set<std::string> others,
                    render_subscribers render, ticket_ptr answer)
    : wanted_(std::move(wanted)),
      incomplete_(std::move(others)),
      render_(std::move(render)),
      answer_(std::move(answer)) {}

  ~subscriber_survey() override {
    make_set(rows_);
    complete(answer_, {ec::none, render_(rows_, {incomplete_.begin(), incomplete_.end()})});
  }

  cluster_message question(std::uint64_t id) const override {
    return subscriber_query{id, wanted_};
  }

  void take(const std::string& node, cluster_message answer) override {
    if (auto said = std::get_if<subscriber_answer>(&answer))
      add(node, std::move(said->found));
  }

  void add(const std::string& node, subscriber_rows found) {
    std::lock_guard guard(lock_);
    std::move(found.rows.begin(), found.rows.end(), std::back_inserter(rows_));
    if (found.cut)
      incomplete_.insert(node);
    else
      incomplete_.erase(node);
  }

private:
  const subscriber_filter wanted_;
  std::mutex lock_;
  std::vector<subscriber_row> rows_;
  /// Nodes that have not told all.
  std::set<std::string> incomplete_;
  const render_subscribers render_;
  const ticket_ptr answer_;
};

} // namespace

subscriber_rows subscribers_here(const node_context& context, const subscriber_filter& wanted) {
  subscriber_rows found;
  auto add = [&](const service_view_ptr& view) {
    auto& key = *view->key;
    view->subscribers.for_each([&](const subscriber_ptr& x) {
      found.rows.push_back({key.namespace_id, key.group, key.name, x->address(), x->ip(),
                            x->lease->client.port, x->agent, x->app, x->clusters.back()});
    });
  };
  if (wanted.by_part)
    context.tables.directory.for_each(
      [&](const service_ref& service, const service_actor&, const service_view_ptr& view) {
        if (view && matches(*service, wanted))
          add(view);
      });
  else if (auto view = context.tables.directory.find(
             service_key_view{wanted.namespace_id, wanted.group, wanted.service}))
    add(view);
  make_set(found.rows);
  found.cut = found.rows.size() > subscriber_rows_max;
  if (found.cut)
    found.rows.resize(subscriber_rows_max);
  return found;
}

void survey_subscribers(const node_context& context, subscriber_filter wanted,
                        render_subscribers render, ticket_ptr answer) {
  auto& cluster = *context.cluster;
  auto peers = cluster.peers.all();
  std::set<std::string> others;
  for (auto& peer : peers)
    others.insert(peer->address);
  auto own = subscribers_here(context, wanted);
  auto survey = std::make_shared<subscriber_survey>(std::move(wanted), std::move(others),
                                                    std::move(render), std::move(answer));
  survey->add(cluster.self, std::move(own));
  for (auto& peer : peers)
    if (peer->open())
      caf::anon_send(peer->actor.get(), ask_peer{survey});
}

} // namespace nacre
