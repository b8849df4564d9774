#include "actors/push/udp_push_table.hpp"

namespace nacre {

void udp_push_table::forget(std::map<packet_key, waiting>::iterator i) {
  if (auto newest = newest_.find(i->second.channel);
      newest != newest_.end() && newest->second == i->first)
    newest_.erase(newest);
  pending_.erase(i);
}

bool udp_push_table::add(const udp_push_task& task, steady_time now) {
  auto& client = task.who->lease->client;
  channel_key channel{client, task.who->lease->service, task.clusters};
  packet_key key{client.ip.str(), client.port, task.packet_ref_time};
  auto& pushed = task.who->lease->pushed_ref_time;
  if (task.list_ref_time < pushed.load())
    return false;
  if (auto newest = newest_.find(channel); newest != newest_.end())
    forget(pending_.find(newest->second));
  if (!pending_.try_emplace(key, waiting{task, channel}).second)
    return false; // the number is taken: its maker broke its promise, and an ack would be for both
  pushed = task.list_ref_time;
  newest_.insert_or_assign(std::move(channel), key);
  due_.emplace(now + ack_timeout_, std::move(key));
  return true;
}

std::optional<udp_push_task> udp_push_table::take(const udp_ack& ack) {
  auto i = pending_.find({ack.ip, ack.port, ack.packet_ref_time});
  if (i == pending_.end())
    return std::nullopt;
  auto task = std::move(i->second.task);
  forget(i);
  return task;
}

udp_push_table::overdue udp_push_table::take_overdue(steady_time now) {
  overdue result;
  while (!due_.empty() && (due_.begin()->first <= now || pending_.size() > pending_max_)) {
    bool at_bound = due_.begin()->first > now;
    auto i = pending_.find(due_.begin()->second);
    due_.erase(due_.begin());
    if (i == pending_.end())
      continue;
    if (at_bound || i->second.sent > retransmits_) {
      result.failed.push_back(std::move(i->second.task));
      forget(i);
    } else {
      ++i->second.sent;
      result.again.push_back(i->second.task);
      due_.emplace(now + ack_timeout_, i->first);
    }
  }
  return result;
}

} // namespace nacre
