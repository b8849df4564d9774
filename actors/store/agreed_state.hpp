#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/base/error.hpp"
#include "protocol/agreed_change.hpp"

namespace nacre {

using switch_domain_ptr = std::shared_ptr<const switch_domain>;

/// What all nodes agree on: a state machine that commands change and nothing else, so that each
/// node comes to the same (Nacos keeps it in five Raft groups, spec/semantics.md §6.1 and §7.1;
/// here one log orders all of it). A copy is cheap: what is long is shared. Pure, one thread at a
/// time.
class agreed_state {
public:
  /// By address: a client of one instance.
  using instance_key = std::pair<std::string, std::uint16_t>;
  struct stored_instance {
    std::shared_ptr<const instance> what;
    /// 0 while it is healthy.
    std::int64_t unhealthy_since_ms = 0;
  };

  struct service_record {
    service_metadata_ptr metadata;
    override_table_ptr overrides;
    std::map<instance_key, stored_instance> instances;

    bool empty() const { return !metadata && !overrides && instances.empty(); }
  };

  struct applied {
    outcome done;
    /// Nothing if readers see what they saw.
    std::optional<agreed::change> change;
  };

  /// @param index of the entry: rises with each
  applied apply(const agreed::request& x, std::uint64_t index);

  const std::map<agreed::service_name, service_record>& services() const { return services_; }
  /// Null if nothing is kept of it.
  const service_record* find(const agreed::service_name& x) const;
  const std::map<std::string, namespace_record>& namespaces() const { return namespaces_; }
  switch_domain_ptr switches() const { return switches_; }
  std::size_t instances() const { return instances_; }

  /// The changes that would lead here from nothing.
  std::vector<agreed::change> everything() const;

  std::string save() const;
  /// @throws unreadable_frame
  static agreed_state load(std::string_view bytes);

private:
  /// What became of the latest requests of one life of a node (dissertation §6.3).
  struct session {
    std::uint64_t used_last = 0;
    std::uint64_t answered_below = 0;
    std::map<std::uint64_t, outcome> done;
  };

  outcome run(const agreed::request& from, const agreed::put_overrides& x, applied& out);
  outcome run(const agreed::request& from, const agreed::expire_overrides& x, applied& out);
  outcome run(const agreed::request& from, const agreed::create_service& x, applied& out);
  outcome run(const agreed::request& from, const agreed::update_service& x, applied& out);
  outcome run(const agreed::request& from, const agreed::put_cluster& x, applied& out);
  outcome run(const agreed::request& from, const agreed::remove_service& x, applied& out);
  outcome run(const agreed::request& from, const agreed::put_instance& x, applied& out);
  outcome run(const agreed::request& from, const agreed::remove_instance& x, applied& out);
  outcome run(const agreed::request& from, const agreed::put_namespace& x, applied& out);
  outcome run(const agreed::request& from, const agreed::remove_namespace& x, applied& out);
  outcome run(const agreed::request& from, const agreed::set_switch& x, applied& out);
  outcome run(const agreed::request& from, const agreed::set_health& x, applied& out);

  static void note_health(stored_instance& x, std::int64_t now_ms);
  void drop_if_empty(const agreed::service_name& service);
  void forget_old_sessions();

  std::map<agreed::service_name, service_record> services_;
  std::map<std::string, namespace_record> namespaces_;
  /// What was set, in order; the domain follows from it.
  std::vector<std::pair<std::string, std::string>> switch_settings_;
  switch_domain_ptr switches_ = std::make_shared<const switch_domain>();
  std::map<std::uint64_t, session> sessions_;
  std::size_t instances_ = 0;
};

} // namespace nacre
