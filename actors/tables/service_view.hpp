#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "actors/base/clocks.hpp"
#include "actors/tables/publication.hpp"
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

/// The `hosts` array of a list answer in bytes.
struct rendered_hosts {
  std::string json = "[]";
  std::size_t count = 0;
  bool reaches_protection = false;
};

using rendered_hosts_ptr = std::shared_ptr<const rendered_hosts>;

/// A list answer in bytes (Nacos `ServiceInfo`). What is long about it is shared by all that show
/// the same instances, whatever clusters their callers wrote.
struct rendered_list {
  /// All up to the array, and all behind it.
  std::string head;
  rendered_hosts_ptr array;
  std::string tail;

  std::string_view hosts() const { return array->json; }
  /// The parts in order.
  std::array<std::string_view, 3> parts() const { return {head, array->json, tail}; }
  std::string json() const { return head + array->json + tail; }
};

using rendered_list_ptr = std::shared_ptr<const rendered_list>;

/// Whether a service holds ephemeral or persistent instances; nothing decides it before the first
/// registration or creation.
enum class service_kind : std::uint8_t { undecided, ephemeral, persistent };

/// A few values of one revision, each made on first need by whoever needs it first; who needs
/// another one does not wait meanwhile. Beyond the bound, and if it is too large to be kept, a
/// value is made for its caller alone. `Value` is a pointer. Any thread.
template <class Key, class Value>
class made_once {
public:
  /// @param keeps whether a value that was made stays for others
  /// @param always the bound is not for this one
  template <class Make, class Keeps>
  Value get(const Key& key, Make make, Keeps keeps, bool always = false) {
    auto x = find(key, always);
    if (!x)
      return make();
    Value made;
    std::call_once(x->once, [&] {
      made = make();
      if (keeps(made))
        x->value = made;
    });
    return x->value ? x->value : made ? made : make();
  }

private:
  static constexpr std::size_t kept_max = 16;

  struct entry {
    explicit entry(Key k) : key(std::move(k)) {}
    const Key key;
    std::once_flag once;
    Value value;
  };

  entry* find(const Key& key, bool always) {
    std::lock_guard guard(lock_);
    for (auto& x : entries_)
      if (x.key == key)
        return &x;
    return always || entries_.size() < kept_max ? &entries_.emplace_back(key) : nullptr;
  }

  std::mutex lock_;
  std::list<entry> entries_;
};

/// Lists of one revision, so that a change is rendered once and not once per reader. Shared by the
/// views of a revision. Any thread.
struct rendered_lists : boost::intrusive_ref_counter<rendered_lists, boost::thread_safe_counter> {
  struct choice {
    /// Those of the clusters asked for that the service has, in order; empty means all.
    std::vector<std::string> clusters;
    bool none = false;
    bool healthy_only = false;
    bool enabled_only = true;
    bool operator==(const choice&) const = default;

    bool is_all() const { return clusters.empty() && !none; }
  };
  struct variant {
    std::string clusters;
    std::int64_t cache_millis = 0;
    bool healthy_only = false;
    bool enabled_only = true;
    bool operator==(const variant&) const = default;
  };

  /// Names of the clusters that have instances, in order.
  std::once_flag names_once;
  std::vector<std::string> names;
  made_once<choice, rendered_hosts_ptr> hosts;
  /// Instances in those of `hosts` that are kept and show a part of the clusters.
  std::atomic<std::size_t> hosts_of_parts{0};
  made_once<variant, rendered_list_ptr> whole;
};

/// Holds `rendered_lists` that are made when somebody asks for them: most services are never asked
/// for. Copies share what was made before. Any thread may `get`.
class lists_on_need {
public:
  lists_on_need() = default;
  lists_on_need(const lists_on_need& x) : lists_(x.lists_.load(std::memory_order_acquire)) {
    if (auto shared = lists_.load(std::memory_order_relaxed))
      intrusive_ptr_add_ref(shared);
  }
  lists_on_need& operator=(const lists_on_need&) = delete;
  ~lists_on_need() { reset(); }

  rendered_lists& get() const {
    auto known = lists_.load(std::memory_order_acquire);
    if (known)
      return *known;
    boost::intrusive_ptr<rendered_lists> made(new rendered_lists);
    if (!lists_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel))
      return *known; // somebody was faster
    return *made.detach();
  }

  /// Only while nobody else knows of it.
  void reset() {
    if (auto old = lists_.exchange(nullptr, std::memory_order_acq_rel))
      intrusive_ptr_release(old);
  }

private:
  mutable std::atomic<rendered_lists*> lists_{nullptr};
};

/// Everything that is to be known of a service at one revision.
struct service_facts {
  service_ref key;
  /// Raised by one with every change that readers can see.
  std::uint64_t revision = 0;
  /// Wall clock of the change, strictly rising per service (`lastRefTime` on the wire).
  wall_time ref_time{};
  service_kind kind = service_kind::undecided;
  /// Whether the service exists for lists and operators: somebody registered or created it.
  /// A service that only has subscribers is not listed.
  bool listed = false;
  /// Number of instances in `publications`.
  std::uint32_t instances = 0;
  publication_set publications;
  subscriber_set subscribers;
  /// Null if no instance has an override.
  override_table_ptr overrides;
  /// Null if nothing was stored about the service.
  service_metadata_ptr metadata;
  lists_on_need lists;
  /// How many of the publications are held by connections.
  std::uint32_t connections = 0;
};

/// What queries read and pushes send. Immutable, made by its SERVICE, read by any thread.
class service_view : public service_facts,
                     public boost::intrusive_ref_counter<service_view, boost::thread_safe_counter> {
public:
  /// Nacos `ServiceUtil.selectInstancesWithHealthyProtection` over the effective instances.
  selection_result select(const instance_selection& wanted) const;

  /// The list answer for `wanted`; `cache_millis` is part of it.
  rendered_list_ptr rendered(const instance_selection& wanted, std::int64_t cache_millis) const;

  /// What the client who is that very address published there, without overrides; null if nothing.
  /// Instances of connections are not looked for. Valid as long as the view.
  const instance* find_published(std::string_view ip, std::uint16_t port,
                                 std::string_view cluster) const;

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

private:
  rendered_hosts_ptr hosts_of(const instance_selection& wanted) const;
};

using service_view_ptr = boost::intrusive_ptr<const service_view>;

rendered_hosts_ptr render_hosts(const service_key_view& key, const selection_result& chosen);

/// The list answer of a service around its hosts.
rendered_list render_list(const service_key_view& key, std::string_view clusters,
                          rendered_hosts_ptr hosts, std::int64_t cache_millis, wall_time ref_time);

/// The service part of a UDP push: the list answer without `groupName`.
std::string render_push(const service_key_view& key, std::string_view clusters,
                        const rendered_list& list, std::int64_t cache_millis, wall_time ref_time);

} // namespace nacre
