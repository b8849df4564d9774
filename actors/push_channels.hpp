#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/service_key.hpp"

namespace nacre {

/// Pushes of one connection without mailbox, wire or clock: what is on its way, what has to be
/// sent again and when. One channel per (service, `clusters`); a channel has one push on its way
/// at most that counts, the newest. Times are ms of the steady clock.
class push_channels {
public:
  struct channel_key {
    service_ref service;
    std::string clusters;

    friend bool operator<(const channel_key& a, const channel_key& b) {
      auto order = a.service->view() <=> b.service->view();
      return order != 0 ? order < 0 : a.clusters < b.clusters;
    }
  };

  /// Waits double from the first to the last try.
  static constexpr std::int64_t retry_delay_max_ms = 30'000;
  static constexpr unsigned tries_max = 8;

  push_channels(std::int64_t ack_timeout_ms, std::int64_t retry_delay_ms)
    : ack_timeout_ms_(ack_timeout_ms), retry_delay_ms_(retry_delay_ms) {}

  /// Whether a list of `ref_time_ms` is news for the channel.
  bool is_news(const channel_key& key, std::int64_t ref_time_ms) const {
    auto i = channels_.find(key);
    return i == channels_.end() || ref_time_ms > i->second.ref_time_ms;
  }

  /// A list goes out as request `id`; an older push of the channel is no longer waited for.
  void sent(const channel_key& key, std::int64_t ref_time_ms, std::uint64_t id,
            std::int64_t changed_at_ms, std::int64_t now_ms) {
    auto& x = channels_[key];
    waiting_.erase(x.request_id);
    if (ref_time_ms > x.ref_time_ms)
      x.tries = 0;
    ++x.tries;
    x.is_blocked = false;
    x.ref_time_ms = ref_time_ms;
    x.request_id = id;
    x.changed_at_ms = changed_at_ms;
    x.due_ms = now_ms + ack_timeout_ms_;
    waiting_[id] = key;
  }

  /// The wire took nothing; asked again when it drains, or by itself after a while.
  void blocked(const channel_key& key, std::int64_t changed_at_ms, std::int64_t now_ms) {
    auto& x = channels_[key];
    waiting_.erase(std::exchange(x.request_id, 0));
    x.changed_at_ms = changed_at_ms;
    x.due_ms = now_ms + retry_delay_ms_;
    x.tries = 0;
    x.is_blocked = true;
  }

  /// @returns when the change happened that was acknowledged; nothing for an unknown id or a
  /// refusal, which is tried again
  std::optional<std::int64_t> answered(std::uint64_t id, bool ok, std::int64_t now_ms) {
    auto i = waiting_.find(id);
    if (i == waiting_.end())
      return std::nullopt;
    auto& x = channels_[i->second];
    waiting_.erase(i);
    x.request_id = 0;
    x.due_ms = ok ? never : now_ms + retry_delay(x.tries);
    return ok ? std::optional(x.changed_at_ms) : std::nullopt;
  }

  struct due_push {
    channel_key key;
    std::int64_t changed_at_ms = 0;
  };

  struct due_list {
    /// To be sent again, with the newest list.
    std::vector<due_push> again;
    /// As often tried as allowed; the next change begins anew.
    std::size_t given_up = 0;
    /// Pushes whose acknowledgement did not come in time.
    std::size_t overdue = 0;
  };

  due_list take_due(std::int64_t now_ms) {
    due_list result;
    for (auto& [key, x] : channels_) {
      if (x.due_ms > now_ms)
        continue;
      if (x.request_id != 0) { // no answer came: the wait before the next try begins
        ++result.overdue;
        waiting_.erase(std::exchange(x.request_id, 0));
        x.due_ms = now_ms + retry_delay(x.tries);
      }
      if (x.tries >= tries_max) {
        x.due_ms = never;
        ++result.given_up;
      } else if (x.due_ms <= now_ms) {
        x.due_ms = never;
        x.is_blocked = false;
        result.again.push_back({key, x.changed_at_ms});
      }
    }
    return result;
  }

  /// Blocked pushes are due at once.
  void drained(std::int64_t now_ms) {
    for (auto& [key, x] : channels_)
      if (x.is_blocked)
        x.due_ms = now_ms;
  }

  /// Nobody subscribes this any more.
  void forget(const channel_key& key) {
    auto i = channels_.find(key);
    if (i == channels_.end())
      return;
    waiting_.erase(i->second.request_id);
    channels_.erase(i);
  }

  /// When `take_due` has something next; nothing if never.
  std::optional<std::int64_t> next_due_ms() const {
    auto first = never;
    for (auto& [key, x] : channels_)
      first = std::min(first, x.due_ms);
    return first == never ? std::nullopt : std::optional(first);
  }

  /// Pushes on their way or to be sent again.
  std::size_t pending() const {
    return static_cast<std::size_t>(std::count_if(
      channels_.begin(), channels_.end(), [](auto& x) { return x.second.due_ms != never; }));
  }

private:
  static constexpr std::int64_t never = INT64_MAX;

  struct channel {
    std::int64_t ref_time_ms = 0;
    std::int64_t changed_at_ms = 0;
    std::int64_t due_ms = never;
    std::uint64_t request_id = 0;
    unsigned tries = 0;
    bool is_blocked = false;
  };

  std::int64_t retry_delay(unsigned tries) const {
    auto doubled = retry_delay_ms_ << std::min(tries == 0 ? 0u : tries - 1, 16u);
    return std::min(doubled, retry_delay_max_ms);
  }

  std::int64_t ack_timeout_ms_;
  std::int64_t retry_delay_ms_;
  std::map<channel_key, channel> channels_;
  std::map<std::uint64_t, channel_key> waiting_;
};

} // namespace nacre
