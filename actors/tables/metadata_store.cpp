#include "actors/tables/metadata_store.hpp"

namespace nacre {

override_table_ptr metadata_store::overrides(const service_key_view& service) const {
  std::shared_lock guard(lock_);
  auto i = services_.find(service);
  return i == services_.end() ? nullptr : i->second.overrides;
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
  auto& x = i->second;
  bytes_ -= x.bytes;
  x.bytes = (x.overrides ? nacre::bytes_of(*x.overrides) : 0)
            + (x.metadata ? nacre::bytes_of(*x.metadata) : 0);
  bytes_ += x.bytes;
  if (!i->second.overrides && !i->second.metadata)
    services_.erase(i);
}

void metadata_store::set_overrides(const service_ref& service, override_table_ptr overrides) {
  if (overrides && overrides->empty())
    overrides = nullptr;
  set(service, &entry::overrides, std::move(overrides));
}

void metadata_store::set_metadata(const service_ref& service, service_metadata_ptr metadata) {
  set(service, &entry::metadata, std::move(metadata));
}

std::size_t metadata_store::bytes_of(const service_key_view& service) const {
  std::shared_lock guard(lock_);
  auto i = services_.find(service);
  return i == services_.end() ? 0 : i->second.bytes;
}

std::size_t metadata_store::bytes() const {
  std::shared_lock guard(lock_);
  return bytes_;
}

std::vector<service_ref> metadata_store::services() const {
  std::shared_lock guard(lock_);
  std::vector<service_ref> result;
  for (auto& [service, x] : services_)
    result.push_back(service);
  return result;
}

std::vector<service_ref> metadata_store::overridden_services() const {
  std::shared_lock guard(lock_);
  std::vector<service_ref> result;
  for (auto& [service, x] : services_)
    if (x.overrides)
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

std::size_t metadata_store::namespaces_count() const {
  std::shared_lock guard(lock_);
  return namespaces_.size();
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
