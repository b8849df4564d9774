#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "protocol/keyed_hash.hpp"

namespace nacre {

inline constexpr std::string_view default_namespace = "public";
inline constexpr std::string_view default_group = "DEFAULT_GROUP";
inline constexpr std::string_view default_cluster = "DEFAULT";

/// A service's name without its own storage: what a look-up by text needs.
struct service_key_view {
  std::string_view namespace_id;
  std::string_view group;
  std::string_view name;

  friend bool operator==(const service_key_view&, const service_key_view&) = default;
  friend auto operator<=>(const service_key_view&, const service_key_view&) = default;

  std::size_t hash() const { return keyed_hash({namespace_id, group, name}); }

  /// `group@@name`, the form HTTP v1 and UDP speak.
  std::string grouped_name() const {
    std::string text;
    text.reserve(group.size() + 2 + name.size());
    return text.append(group).append("@@").append(name);
  }
};

/// Identity of a service: namespace, group and name, nothing else (Nacos `Service`).
/// Immutable and shared: every lease, view and table entry of a service points to one key.
class service_key : public boost::intrusive_ref_counter<service_key, boost::thread_safe_counter> {
public:
  service_key(std::string_view ns, std::string_view group_name, std::string_view service_name)
    : namespace_id(ns), group(group_name), name(service_name), hash(view().hash()) {}

  explicit service_key(const service_key_view& x) : service_key(x.namespace_id, x.group, x.name) {}

  service_key_view view() const { return {namespace_id, group, name}; }

  std::string grouped_name() const { return view().grouped_name(); }

  /// `namespace@@group@@name`, the form of the 3.x fuzzy watch and of our admin endpoint.
  std::string full_name() const { return namespace_id + "@@" + grouped_name(); }

  const std::string namespace_id;
  const std::string group;
  const std::string name;
  /// Of all three parts; kept because every table of services asks for it.
  const std::size_t hash;
};

using service_ref = boost::intrusive_ptr<const service_key>;

/// A service is the same by its name, whichever object holds the name: after a service ended and
/// came back there are two.
inline bool operator==(const service_ref& a, const service_ref& b) {
  return a.get() == b.get() || (a && b && a->view() == b->view());
}
inline bool operator!=(const service_ref& a, const service_ref& b) { return !(a == b); }
inline bool operator<(const service_ref& a, const service_ref& b) {
  return a.get() != b.get() && (!a || (b && a->view() < b->view()));
}

inline service_ref make_service_ref(const service_key_view& key) { return new service_key(key); }

/// A name with its hash, for who looks it up more than once.
struct hashed_service_key {
  explicit hashed_service_key(const service_key_view& x) : view(x), hash(x.hash()) {}
  explicit hashed_service_key(const service_key& x) : view(x.view()), hash(x.hash) {}

  service_key_view view;
  std::size_t hash;
};

/// Hash and equality by value for tables of `service_ref`, with look-up by name.
struct service_ref_hash {
  using is_transparent = void;
  std::size_t operator()(const service_key_view& x) const { return x.hash(); }
  std::size_t operator()(const hashed_service_key& x) const { return x.hash; }
  std::size_t operator()(const service_ref& x) const { return x->hash; }
};

struct service_ref_equal {
  using is_transparent = void;
  static service_key_view view(const service_ref& x) { return x->view(); }
  static const service_key_view& view(const service_key_view& x) { return x; }
  static const service_key_view& view(const hashed_service_key& x) { return x.view; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return view(a) == view(b);
  }
  bool operator()(const service_ref& a, const service_ref& b) const { return a == b; }
};

} // namespace nacre
