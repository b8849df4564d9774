#include "actors/store/agreed_state.hpp"

#include <algorithm>
#include <set>

#include "actors/store/raft_rules.hpp"
#include "protocol/naming_rules.hpp"
#include "protocol/override_change.hpp"
#include "protocol/wire_archive.hpp"

namespace nacre {

namespace {

/// Lives of nodes whose requests are remembered; those used longest ago are forgotten.
constexpr std::size_t sessions_max = 64;

/// Cluster names are the caller's choice.
constexpr std::size_t clusters_max = 1'000;

/// 1 did not say since when an instance is not healthy.
constexpr std::uint8_t version = 2;

std::string text_of(const switch_domain& x) {
  json_writer out;
  write(out, x);
  return out.take();
}

} // namespace

const agreed_state::service_record* agreed_state::find(const agreed::service_name& x) const {
  auto i = services_.find(x);
  return i == services_.end() ? nullptr : &i->second;
}

agreed_state::applied agreed_state::apply(const agreed::request& x, std::uint64_t index) {
  auto& of = sessions_[x.session];
  of.used_last = index;
  applied out;
  if (holds(raft::rule::apply_once)) {
    if (x.number < of.answered_below)
      return out;
    if (auto known = of.done.find(x.number); known != of.done.end())
      return {known->second, std::nullopt};
  }
  out.done = std::visit([&](auto& what) { return run(x, what, out); }, x.what);
  of.answered_below = std::max(of.answered_below, x.answered_below);
  of.done[x.number] = out.done;
  of.done.erase(of.done.begin(), of.done.lower_bound(of.answered_below));
  forget_old_sessions();
  return out;
}

void agreed_state::forget_old_sessions() {
  if (sessions_.size() <= sessions_max)
    return;
  sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](auto& a, auto& b) {
    return a.second.used_last < b.second.used_last;
  }));
}

void agreed_state::drop_if_empty(const agreed::service_name& service) {
  if (auto i = services_.find(service); i != services_.end() && i->second.empty())
    services_.erase(i);
}

// -- instances and their overrides ---------------------------------------------------------------

outcome agreed_state::run(const agreed::request& from, const agreed::put_overrides& x,
                          applied& out) {
  auto& record = services_[x.service];
  auto next = record.overrides ? std::make_shared<override_table>(*record.overrides)
                               : std::make_shared<override_table>();
  override_changes changes(from.by, from.at_ms);
  for (auto& change : x.changes) {
    auto known = next->find(change.metadata_id);
    if (auto content = changes.apply(change, known == next->end() ? nullptr : known->second))
      (*next)[change.metadata_id] = std::move(content);
  }
  record.overrides = next->empty() ? nullptr : std::move(next);
  out.change = agreed::overrides_changed{x.service, record.overrides};
  drop_if_empty(x.service);
  return {};
}

outcome agreed_state::run(const agreed::request&, const agreed::expire_overrides& x, applied& out) {
  auto i = services_.find(x.service);
  if (i == services_.end() || !i->second.overrides)
    return {};
  auto next = std::make_shared<override_table>(*i->second.overrides);
  for (auto& mark : x.marks)
    if (auto known = next->find(mark.metadata_id);
        known != next->end() && known->second->set_ms == mark.set_ms)
      next->erase(known);
  i->second.overrides = next->empty() ? nullptr : std::move(next);
  out.change = agreed::overrides_changed{x.service, i->second.overrides};
  drop_if_empty(x.service);
  return {};
}

outcome agreed_state::run(const agreed::request& from, const agreed::put_instance& x,
                          applied& out) {
  auto& record = services_[x.service];
  if (record.metadata && record.metadata->ephemeral) {
    drop_if_empty(x.service);
    return {ec::kind_conflict, kind_conflict_text(x.service.view().grouped_name(), false)};
  }
  instance_key where{x.what.ip.str(), x.what.port};
  auto& place = record.instances[where];
  instances_ += place.what ? 0 : 1;
  place.what = std::make_shared<const instance>(x.what);
  note_health(place, from.at_ms);
  out.change = agreed::instance_put{x.service, place.what, place.unhealthy_since_ms};
  return {};
}

void agreed_state::note_health(stored_instance& x, std::int64_t now_ms) {
  if (x.what->healthy)
    x.unhealthy_since_ms = 0;
  else if (x.unhealthy_since_ms == 0)
    x.unhealthy_since_ms = now_ms;
}

outcome agreed_state::run(const agreed::request& from, const agreed::set_health& x, applied& out) {
  auto service = services_.find(x.service);
  if (service == services_.end())
    return {};
  auto found = service->second.instances.find({x.ip, x.port});
  if (found == service->second.instances.end() || found->second.what->healthy == x.healthy)
    return {};
  auto& place = found->second;
  auto next = std::make_shared<instance>(*place.what);
  next->healthy = x.healthy;
  place.what = std::move(next);
  note_health(place, from.at_ms);
  bool checked = from.by.empty();
  out.change = agreed::instance_put{x.service, place.what, place.unhealthy_since_ms, checked};
  return {};
}

outcome agreed_state::run(const agreed::request&, const agreed::remove_instance& x, applied& out) {
  auto i = services_.find(x.service);
  instance_key where{x.ip, x.port};
  if (i == services_.end() || i->second.instances.erase(where) == 0)
    return {}; // as the reference does: it is not there, which was wanted
  --instances_;
  out.change = agreed::instance_removed{x.service, x.ip, x.port};
  drop_if_empty(x.service);
  return {};
}

// -- services ------------------------------------------------------------------------------------

outcome agreed_state::run(const agreed::request&, const agreed::create_service& x, applied& out) {
  auto known = find(x.service);
  if (known && (known->metadata || !known->instances.empty()))
    return {ec::service_exists, service_exists_text(x.service.view().grouped_name())};
  auto& metadata = services_[x.service].metadata;
  metadata = std::make_shared<const service_metadata>(x.metadata);
  out.change = agreed::metadata_changed{x.service, metadata, true};
  return {};
}

outcome agreed_state::run(const agreed::request&, const agreed::update_service& x, applied& out) {
  auto next = std::make_shared<service_metadata>(x.settings);
  if (auto known = find(x.service); known && known->metadata) {
    next->ephemeral = known->metadata->ephemeral;
    next->clusters = known->metadata->clusters;
  }
  out.change = agreed::metadata_changed{x.service, next};
  services_[x.service].metadata = std::move(next);
  return {};
}

outcome agreed_state::run(const agreed::request&, const agreed::put_cluster& x, applied& out) {
  auto next = std::make_shared<service_metadata>();
  next->ephemeral = x.ephemeral;
  if (auto known = find(x.service); known && known->metadata)
    *next = *known->metadata;
  if (next->clusters.size() >= clusters_max && next->clusters.count(x.cluster) == 0)
    return {ec::limit_reached,
            "a service may have " + std::to_string(clusters_max) + " clusters with settings"};
  next->clusters[x.cluster] = x.settings;
  out.change = agreed::metadata_changed{x.service, next};
  services_[x.service].metadata = std::move(next);
  return {};
}

outcome agreed_state::run(const agreed::request&, const agreed::remove_service& x, applied& out) {
  auto i = services_.find(x.service);
  if (i == services_.end()) {
    out.change = agreed::service_removed{x.service};
    return {};
  }
  if (!i->second.instances.empty())
    return {ec::service_not_empty, not_empty_text(x.service.view().grouped_name())};
  services_.erase(i);
  out.change = agreed::service_removed{x.service};
  return {};
}

// -- namespaces and switches ---------------------------------------------------------------------

outcome agreed_state::run(const agreed::request&, const agreed::put_namespace& x, applied& out) {
  auto known = namespaces_.find(x.record.id);
  if (x.must_exist && known == namespaces_.end())
    return {ec::namespace_not_found, "namespaceId [ " + x.record.id + " ] not exist"};
  if (!x.must_exist && known != namespaces_.end())
    return {ec::namespace_exists, "the namespaceId is existed, namespaceId: " + x.record.id};
  namespaces_[x.record.id] = x.record;
  out.change = agreed::namespace_put{x.record};
  return {};
}

outcome agreed_state::run(const agreed::request&, const agreed::remove_namespace& x, applied& out) {
  if (namespaces_.erase(x.id) > 0)
    out.change = agreed::namespace_removed{x.id};
  return {};
}

outcome agreed_state::run(const agreed::request&, const agreed::set_switch& x, applied& out) {
  auto next = std::make_shared<switch_domain>(*switches_);
  if (auto complaint = next->set(x.entry, x.value))
    return {ec::illegal_value, std::move(*complaint)};
  if (text_of(*next) == text_of(*switches_))
    return {};
  std::erase_if(switch_settings_, [&](auto& known) { return known.first == x.entry; });
  switch_settings_.emplace_back(x.entry, x.value);
  switches_ = std::move(next);
  out.change = agreed::switches_changed{switches_};
  return {};
}

std::vector<agreed::change> agreed_state::everything() const {
  std::vector<agreed::change> all;
  for (auto& [service, x] : services_) {
    // In this order: what is set counts from the first instance on.
    if (x.overrides)
      all.push_back(agreed::overrides_changed{service, x.overrides});
    if (x.metadata)
      all.push_back(agreed::metadata_changed{service, x.metadata, true});
    for (auto& [where, one] : x.instances)
      all.push_back(agreed::instance_put{service, one.what, one.unhealthy_since_ms});
  }
  for (auto& [id, record] : namespaces_)
    all.push_back(agreed::namespace_put{record});
  all.push_back(agreed::switches_changed{switches_});
  return all;
}

// -- in bytes ------------------------------------------------------------------------------------

std::string agreed_state::save() const {
  wire::frame_writer out;
  auto count = [&](auto& all) { out(static_cast<std::uint32_t>(all.size())); };
  out(version, namespaces_, switch_settings_);
  count(services_);
  for (auto& [service, x] : services_) {
    out(service, x.metadata != nullptr);
    if (x.metadata)
      out(*x.metadata);
    static const override_table none;
    auto& overrides = x.overrides ? *x.overrides : none;
    count(overrides);
    for (auto& [id, content] : overrides)
      out(id, *content);
    count(x.instances);
    for (auto& [where, one] : x.instances)
      out(*one.what, one.unhealthy_since_ms);
  }
  count(sessions_);
  for (auto& [id, x] : sessions_) {
    out(id, x.used_last, x.answered_below);
    count(x.done);
    for (auto& [number, result] : x.done)
      out(number, result.code, result.text);
  }
  return out.finish();
}

agreed_state agreed_state::load(std::string_view bytes) {
  agreed_state x;
  wire::frame_reader in(bytes);
  auto written_as = in.take_version_up_to(version);
  auto each = [&](auto f) {
    std::uint32_t count = 0;
    for (in(count); count > 0; --count)
      f();
  };
  in(x.namespaces_, x.switch_settings_);
  each([&] {
    agreed::service_name name;
    bool has_metadata = false;
    in(name, has_metadata);
    auto& record = x.services_[name];
    if (has_metadata) {
      auto metadata = std::make_shared<service_metadata>();
      in(*metadata);
      record.metadata = std::move(metadata);
    }
    auto overrides = std::make_shared<override_table>();
    std::set<override_ptr, override_content_less> contents;
    each([&] {
      std::string id;
      auto content = std::make_shared<instance_override>();
      in(id, *content);
      (*overrides)[id] = *contents.insert(std::move(content)).first;
    });
    if (!overrides->empty())
      record.overrides = std::move(overrides);
    each([&] {
      auto one = std::make_shared<instance>();
      std::int64_t unhealthy_since_ms = 0;
      in(*one);
      if (written_as >= 2)
        in(unhealthy_since_ms);
      instance_key where{one->ip, one->port};
      record.instances[where] = {std::move(one), unhealthy_since_ms};
    });
    x.instances_ += record.instances.size();
  });
  each([&] {
    std::uint64_t id = 0;
    in(id);
    auto& of = x.sessions_[id];
    in(of.used_last, of.answered_below);
    each([&] {
      std::uint64_t number = 0;
      outcome result;
      in(number, result.code, result.text);
      of.done[number] = std::move(result);
    });
  });
  in.require_end();
  auto domain = std::make_shared<switch_domain>();
  for (auto& [entry, value] : x.switch_settings_)
    domain->set(entry, value);
  x.switches_ = std::move(domain);
  return x;
}

} // namespace nacre
