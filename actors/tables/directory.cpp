#include "actors/tables/directory.hpp"

#include <algorithm>
#include <iterator>

namespace nacre {

service_view_ptr directory::find(const service_key_view& name) const {
  hashed_service_key key(name);
  auto& part = stripe_of(key.hash);
  std::shared_lock guard(part.lock);
  auto i = part.services.find(key);
  return i == part.services.end() ? nullptr : i->second.view;
}

service_ref directory::shared_key(const service_key_view& name) const {
  hashed_service_key key(name);
  auto& part = stripe_of(key.hash);
  {
    std::shared_lock guard(part.lock);
    if (auto i = part.services.find(key); i != part.services.end())
      return i->first;
  }
  return make_service_ref(name);
}

service_actor directory::find_actor(const service_key_view& name) const {
  hashed_service_key key(name);
  auto& part = stripe_of(key.hash);
  std::shared_lock guard(part.lock);
  auto i = part.services.find(key);
  return i == part.services.end() ? service_actor{} : i->second.actor;
}

void directory::publish(const service_view_ptr& view) {
  auto key = view->key->view();
  auto& part = stripe_of(view->key->hash);
  bool was_listed = false;
  service_view_ptr old; // freed outside the lock
  {
    std::unique_lock guard(part.lock);
    auto i = part.services.find(view->key);
    if (i == part.services.end())
      return;
    old = std::exchange(i->second.view, view);
    was_listed = old && old->listed;
  }
  if (view->listed && !was_listed)
    list(view->key);
  else if (!view->listed && was_listed)
    unlist(key);
}

void directory::replace_actor(const service_key_view& name, const service_actor& actor) {
  hashed_service_key key(name);
  auto& part = stripe_of(key.hash);
  std::unique_lock guard(part.lock);
  if (auto i = part.services.find(key); i != part.services.end())
    i->second.actor = actor;
}

void directory::list(const service_ref& key) {
  std::unique_lock guard(names_lock_);
  auto& group = names_[key->namespace_id][key->group];
  listed_ += group.insert(key).second ? 1 : 0;
}

void directory::unlist(const service_key_view& key) {
  std::unique_lock guard(names_lock_);
  auto ns = names_.find(key.namespace_id);
  if (ns == names_.end())
    return;
  auto group = ns->second.find(key.group);
  if (group == ns->second.end())
    return;
  if (auto name = group->second.find(key.name); name != group->second.end()) {
    group->second.erase(name);
    --listed_;
  }
  if (group->second.empty())
    ns->second.erase(group);
  if (ns->second.empty())
    names_.erase(ns);
}

std::vector<std::string> directory::namespaces() const {
  std::shared_lock guard(names_lock_);
  std::vector<std::string> result;
  for (auto& [name, groups] : names_)
    result.push_back(name);
  return result;
}

bool directory::is_long_page(std::string_view namespace_id, std::string_view group,
                             std::size_t offset, std::size_t limit) const {
  constexpr std::size_t many = 5'000;
  if (offset + limit <= many)
    return false;
  std::size_t total = 0;
  names(namespace_id, group, 0, 0, total);
  return total > many;
}

std::vector<std::string> directory::names(std::string_view namespace_id, std::string_view group,
                                          std::size_t offset, std::size_t limit,
                                          std::size_t& total) const {
  std::shared_lock guard(names_lock_);
  total = 0;
  auto ns = names_.find(namespace_id);
  if (ns == names_.end())
    return {};
  auto found = ns->second.find(group);
  if (found == ns->second.end())
    return {};
  auto& all = found->second;
  total = all.size();
  if (offset >= total)
    return {};
  auto from = std::next(all.begin(), static_cast<std::ptrdiff_t>(offset));
  auto count = std::min(limit, total - offset);
  std::vector<std::string> result;
  result.reserve(count);
  std::for_each_n(from, count, [&](const service_ref& key) { result.push_back(key->name); });
  return result;
}

std::vector<service_ref> directory::read_on(const name_range& range, name_cursor& at) const {
  constexpr std::size_t steps_max = 1'024;
  std::size_t steps = 0;
  std::vector<service_ref> result;
  std::shared_lock guard(names_lock_);
  auto ns = names_.find(range.namespace_id);
  at.ended = ns == names_.end();
  if (at.ended)
    return result;
  auto group = ns->second.lower_bound(at.group);
  for (; group != ns->second.end() && group->first.starts_with(range.group_begin); ++group) {
    auto& [group_name, names] = *group;
    if (group_name != at.group)
      at = {group_name, std::string(range.name_begin)};
    if (++steps > steps_max)
      return result;
    for (auto i = names.lower_bound(at.name); i != names.end(); ++i) {
      if (!(*i)->name.starts_with(range.name_begin))
        break;
      if (++steps > steps_max) {
        at.name = (*i)->name;
        return result;
      }
      result.push_back(*i);
    }
  }
  at.ended = true;
  return result;
}

std::size_t directory::listed() const {
  std::shared_lock guard(names_lock_);
  return listed_;
}

} // namespace nacre
