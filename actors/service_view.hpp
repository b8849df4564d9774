#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "actors/publication.hpp"
#include "protocol/service_metadata.hpp"

namespace nacre {

/// Which instances of a service a caller wants.
struct instance_selection {
  /// Comma separated cluster names, as the caller wrote them; empty means all.
  std::string_view clusters;
  bool healthy_only = false;
  /// Disabled instances are shown to operators only.
  bool enabled_only = true;
};

/// An instance as lists show it: overrides applied, health as protection lets it look.
struct selected_instance {
  instance effective;
  bool shown_healthy = true;
};

struct selection_result {
  std::vector<selected_instance> instances;
  bool reaches_protection = false;
};

/// A list answer in bytes (Nacos `ServiceInfo`), with the place of its `hosts` array in it.
struct rendered_list {
  std::string json;
  std::size_t hosts_begin = 0;
  std::size_t hosts_size = 0;
  std::size_t hosts_count = 0;
  bool reaches_protection = false;

  std::string_view hosts() const { return std::string_view(json).substr(hosts_begin, hosts_size); }
};

using rendered_list_ptr = std::shared_ptr<const rendered_list>;

/// Whether a service holds ephemeral or persistent instances; nothing decides it before the first
/// registration or creation.
enum class service_kind : std::uint8_t { undecided, ephemeral, persistent };

/// Lists of one revision, rendered on first need and then kept, so that a change is rendered once
/// and not once per reader. Shared by the views of a revision. Any thread.
class rendered_lists {
public:
  template <class Render>
  rendered_list_ptr get(const instance_selection& wanted, std::int64_t cache_millis,
                        Render render) {
    std::lock_guard guard(lock_);
    for (auto& x : variants_)
      if (x.healthy_only == wanted.healthy_only && x.enabled_only == wanted.enabled_only
          && x.cache_millis == cache_millis && x.clusters == wanted.clusters)
        return x.list;
    rendered_list_ptr list = render();
    if (variants_.size() < variants_max)
      variants_.push_back({std::string(wanted.clusters), cache_millis, wanted.healthy_only,
                           wanted.enabled_only, list});
    return list;
  }

private:
  struct variant {
    std::string clusters;
    std::int64_t cache_millis;
    bool healthy_only;
    bool enabled_only;
    rendered_list_ptr list;
  };

  /// Different `clusters` texts kept; more are rendered for their caller alone.
  static constexpr std::size_t variants_max = 16;

  std::mutex lock_;
  std::vector<variant> variants_;
};

/// Everything that is to be known of a service at one revision: what queries read and pushes
/// send. Immutable, made by its SERVICE, read by any thread.
class service_view : public boost::intrusive_ref_counter<service_view, boost::thread_safe_counter> {
public:
  service_ref key;
  /// Raised by one with every change that readers can see.
  std::uint64_t revision = 0;
  /// Wall clock ms of the change, strictly rising per service (`lastRefTime` on the wire).
  std::int64_t ref_time_ms = 0;
  service_kind kind = service_kind::undecided;
  /// Whether the service exists for lists and operators: somebody registered or created it.
  /// A service that only has subscribers is not listed.
  bool listed = false;
  publication_set publications;
  /// Number of instances in `publications`.
  std::size_t instances = 0;
  /// How many of the publications are held by connections.
  std::size_t connections = 0;
  subscriber_set subscribers;
  /// Null if no instance has an override.
  overlay_table_ptr overlays;
  /// Null if nothing was stored about the service.
  service_metadata_ptr metadata;
  std::shared_ptr<rendered_lists> lists;

  /// Nacos `ServiceUtil.selectInstancesWithHealthyProtection` over the effective instances.
  selection_result select(const instance_selection& wanted) const;

  /// The list answer for `wanted`; `cache_millis` is part of it.
  rendered_list_ptr rendered(const instance_selection& wanted, std::int64_t cache_millis) const;

  /// The publisher's instance with overrides, by address and cluster; nothing if there is none.
  std::optional<instance> find_instance(std::string_view ip, std::uint16_t port,
                                        std::string_view cluster) const;

  /// Calls `f` with each effective instance and its publication.
  template <class F>
  void for_each_instance(F f) const {
    publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        f(*x, effective(one));
    });
  }

  instance effective(const instance& published) const;

  double protect_threshold() const { return metadata ? metadata->protect_threshold : 0.0; }
};

using service_view_ptr = boost::intrusive_ptr<const service_view>;

/// The list answer of a service: `hosts` chosen already.
rendered_list render_list(const service_key_view& key, std::string_view clusters,
                          const selection_result& chosen, std::int64_t cache_millis,
                          std::int64_t ref_time_ms);

/// The service part of a UDP push: the list answer without `groupName`.
std::string render_push(const service_key_view& key, std::string_view clusters,
                        const rendered_list& list, std::int64_t cache_millis,
                        std::int64_t ref_time_ms);

} // namespace nacre
