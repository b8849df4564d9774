#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/messages.hpp"
#include "protocol/service_metadata.hpp"
#include "protocol/switch_domain.hpp"

namespace nacre {

using switch_domain_ptr = std::shared_ptr<const switch_domain>;

/// What operators set and what must outlive clients: overrides of instances, metadata of
/// services, namespaces, switches. Only the METADATA actor writes; any thread reads immutable
/// values. In memory for now: it outlives every actor but not the process. A replicated store
/// takes its place behind these functions.
class metadata_store {
public:
  overlay_table_ptr overlays(const service_key_view& service) const;
  service_metadata_ptr metadata(const service_key_view& service) const;

  /// A null or empty value removes.
  void set_overlays(const service_ref& service, overlay_table_ptr overlays);
  void set_metadata(const service_ref& service, service_metadata_ptr metadata);

  /// Services that have overrides.
  std::vector<service_ref> overlaid_services() const;

  /// In order of id, without the public one.
  std::vector<namespace_record> namespaces() const;
  std::optional<namespace_record> find_namespace(std::string_view id) const;
  void set_namespace(namespace_record record);
  bool remove_namespace(std::string_view id);

  switch_domain_ptr switches() const { return switches_.load(); }
  void set_switches(switch_domain_ptr x) { switches_.store(std::move(x)); }

private:
  struct entry {
    overlay_table_ptr overlays;
    service_metadata_ptr metadata;
  };

  template <class Value>
  void set(const service_ref& service, Value entry::*field, Value value);

  mutable std::shared_mutex lock_;
  std::unordered_map<service_ref, entry, service_ref_hash, service_ref_equal> services_;
  std::map<std::string, namespace_record, std::less<>> namespaces_;
  std::atomic<switch_domain_ptr> switches_{std::make_shared<const switch_domain>()};
};

} // namespace nacre
