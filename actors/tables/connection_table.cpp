#include "actors/tables/connection_table.hpp"

namespace nacre {

connection_table::admission connection_table::add(const connection_ptr& x, std::size_t max,
                                                  std::size_t max_per_ip) {
  std::lock_guard guard(lock_);
  if (by_id_.size() >= max)
    return admission::too_many;
  auto& count = per_ip_[x->info.remote_ip];
  if (count >= max_per_ip)
    return admission::too_many_of_address;
  if (by_id_.emplace(x->info.id, x).second)
    ++count;
  return admission::admitted;
}

connection_ptr connection_table::find(std::string_view id) const {
  std::lock_guard guard(lock_);
  auto i = by_id_.find(id);
  return i == by_id_.end() ? nullptr : i->second;
}

void connection_table::remove(std::string_view id) {
  connection_ptr gone; // freed outside the lock
  std::lock_guard guard(lock_);
  auto i = by_id_.find(id);
  if (i == by_id_.end())
    return;
  gone = std::move(i->second);
  by_id_.erase(i);
  auto count = per_ip_.find(gone->info.remote_ip);
  if (--count->second == 0)
    per_ip_.erase(count);
}

std::vector<connection_ptr> connection_table::all() const {
  std::vector<connection_ptr> result;
  std::lock_guard guard(lock_);
  result.reserve(by_id_.size());
  for (auto& [id, x] : by_id_)
    result.push_back(x);
  return result;
}

std::size_t connection_table::size() const {
  std::lock_guard guard(lock_);
  return by_id_.size();
}

} // namespace nacre
