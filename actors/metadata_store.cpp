#include "actors/metadata_store.hpp"

namespace nacre {

overlay_table_ptr metadata_store::overlays(const service_key_view& service) const {
  std::shared_lock guard(lock_);
  auto i = services_.find(service);
  return i == services_.end() ? nullptr : i->second.overlays;
}

service_metadata_ptr metadata_store::metadata(const service_key_view& service) const {
  std::shared_lock guard(lock_);
  auto i = services_.find(service);
  return i == services_.end() ? nullptr : i->second.metadata;
}

template <class Value>
void metadata_store::set(const service_ref& service, Value entry::*field, Value value) {
  std::unique_lock guard(lock_);
  auto i = services_.try_emplace(service).first;
  i->second.*field = std::move(value);
  if (!i->second.overlays && !i->second.metadata)
    services_.erase(i);
}

void metadata_store::set_overlays(const service_ref& service, overlay_table_ptr overlays) {
  if (overlays && overlays->empty())
    overlays = nullptr;
  set(service, &entry::overlays, std::move(overlays));
}

void metadata_store::set_metadata(const service_ref& service, service_metadata_ptr metadata) {
  set(service, &entry::metadata, std::move(metadata));
}

std::vector<service_ref> metadata_store::overlaid_services() const {
  std::shared_lock guard(lock_);
  std::vector<service_ref> result;
  for (auto& [service, x] : services_)
    if (x.overlays)
      result.push_back(service);
  return result;
}

std::vector<namespace_record> metadata_store::namespaces() const {
  std::shared_lock guard(lock_);
  std::vector<namespace_record> result;
  for (auto& [id, record] : namespaces_)
    result.push_back(record);
  return result;
}

std::optional<namespace_record> metadata_store::find_namespace(std::string_view id) const {
  std::shared_lock guard(lock_);
  auto i = namespaces_.find(id);
  return i == namespaces_.end() ? std::nullopt : std::optional(i->second);
}

void metadata_store::set_namespace(namespace_record record) {
  std::unique_lock guard(lock_);
  auto id = record.id;
  namespaces_[id] = std::move(record);
}

bool metadata_store::remove_namespace(std::string_view id) {
  std::unique_lock guard(lock_);
  auto i = namespaces_.find(id);
  if (i == namespaces_.end())
    return false;
  namespaces_.erase(i);
  return true;
}

} // namespace nacre
