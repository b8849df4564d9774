#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/base/cell.hpp"
#include "actors/messages/metadata.hpp"
#include "protocol/service_metadata.hpp"
#include "protocol/switch_domain.hpp"

namespace nacre {

using switch_domain_ptr = std::shared_ptr<const switch_domain>;

/// What operators set and what must outlive clients, as readers see it: overrides of instances,
/// metadata of services, namespaces, switches. The STORE keeps it; only the METADATA KEEPER writes
/// here, what was agreed on. Any thread reads immutable values.
class metadata_store {
public:
  override_table_ptr overrides(const service_key_view& service) const;
  service_metadata_ptr metadata(const service_key_view& service) const;

  /// A null or empty value removes.
  void set_overrides(const service_ref& service, override_table_ptr overrides);
  void set_metadata(const service_ref& service, service_metadata_ptr metadata);

  /// What is stored about one service, and about all, in bytes.
  std::size_t bytes_of(const service_key_view& service) const;
  std::size_t bytes() const;

  /// Services about which something is stored; those of them that have overrides.
  std::vector<service_ref> services() const;
  std::vector<service_ref> overridden_services() const;

  /// In order of id, without the public one.
  std::vector<namespace_record> namespaces() const;
  std::size_t namespaces_count() const;
  std::optional<namespace_record> find_namespace(std::string_view id) const;
  void set_namespace(namespace_record record);
  bool remove_namespace(std::string_view id);

  switch_domain_ptr switches() const { return switches_.get(); }
  void set_switches(switch_domain_ptr x) { switches_.set(std::move(x)); }

private:
  struct entry {
    override_table_ptr overrides;
    service_metadata_ptr metadata;
    std::size_t bytes = 0;
  };

  template <class Value>
  void set(const service_ref& service, Value entry::*field, Value value);

  mutable std::shared_mutex lock_;
  std::unordered_map<service_ref, entry, service_ref_hash, service_ref_equal> services_;
  std::size_t bytes_ = 0;
  std::map<std::string, namespace_record, std::less<>> namespaces_;
  cell<switch_domain_ptr> switches_{std::make_shared<const switch_domain>()};
};

} // namespace nacre
