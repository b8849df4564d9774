#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/base/clocks.hpp"
#include "protocol/service_key.hpp"

namespace nacre {

/// Pushes of one connection without mailbox, link or clock: what is on its way, what has to be
/// sent again and when. One channel per (service, `clusters`); a channel has one push on its way
/// at most that counts, the newest.
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
  static constexpr milliseconds retry_delay_max{30'000};
  static constexpr unsigned tries_max = 8;

  push_channels(milliseconds ack_timeout, milliseconds retry_delay)
    : ack_timeout_(ack_timeout), retry_delay_(retry_delay) {}

  /// Whether a list of `ref_time` is news for the channel.
  bool is_news(const channel_key& key, wall_time ref_time) const {
    auto i = channels_.find(key);
    return i == channels_.end() || ref_time > i->second.ref_time;
  }

  /// A list goes out as request `id`; an older push of the channel is no longer waited for.
  void sent(const channel_key& key, wall_time ref_time, std::uint64_t id, steady_time changed_at,
            steady_time now) {
    auto& x = channels_[key];
    waiting_.erase(x.request_id);
    if (ref_time > x.ref_time)
      x.tries = 0;
    ++x.tries;
    x.is_blocked = false;
    x.ref_time = ref_time;
    x.request_id = id;
    x.changed_at = changed_at;
    x.due = now + ack_timeout_;
    waiting_[id] = key;
  }

  /// The link took nothing; asked again when it drains, or by itself after a while.
  void blocked(const channel_key& key, steady_time changed_at, steady_time now) {
    auto& x = channels_[key];
    waiting_.erase(std::exchange(x.request_id, 0));
    x.changed_at = changed_at;
    x.due = now + retry_delay_;
    x.tries = 0;
    x.is_blocked = true;
  }

  /// Whether request `id` is a push that counts and has no answer yet.
  bool is_waiting(std::uint64_t id) const { return waiting_.contains(id); }

  /// @returns when the change happened that was acknowledged; nothing for an unknown id or a
  /// refusal, which is tried again
  std::optional<steady_time> answered(std::uint64_t id, bool ok, steady_time now) {
    auto i = waiting_.find(id);
    if (i == waiting_.end())
      return std::nullopt;
    auto& x = channels_[i->second];
    waiting_.erase(i);
    x.request_id = 0;
    x.due = ok ? std::nullopt : std::optional(now + retry_delay(x.tries));
    return ok ? std::optional(x.changed_at) : std::nullopt;
  }

  struct due_push {
    channel_key key;
    steady_time changed_at{};
  };

  struct due_list {
    /// To be sent again, with the newest list.
    std::vector<due_push> again;
    /// As often tried as allowed; the next change begins anew.
    std::size_t given_up = 0;
    /// Pushes whose acknowledgement did not come in time.
    std::size_t overdue = 0;
  };

  due_list take_due(steady_time now) {
    due_list result;
    for (auto& [key, x] : channels_) {
      if (!x.due || *x.due > now)
        continue;
      if (x.request_id != 0) { // no answer came: the wait before the next try begins
        ++result.overdue;
        waiting_.erase(std::exchange(x.request_id, 0));
        x.due = now + retry_delay(x.tries);
      }
      if (x.tries >= tries_max) {
        x.due.reset();
        ++result.given_up;
      } else if (*x.due <= now) {
        x.due.reset();
        x.is_blocked = false;
        result.again.push_back({key, x.changed_at});
      }
    }
    return result;
  }

  /// Blocked pushes are due at once.
  void drained(steady_time now) {
    for (auto& [key, x] : channels_)
      if (x.is_blocked)
        x.due = now;
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
  std::optional<steady_time> next_due() const {
    std::optional<steady_time> first;
    for (auto& [key, x] : channels_)
      if (x.due && (!first || *x.due < *first))
        first = x.due;
    return first;
  }

  /// Pushes on their way or to be sent again.
  std::size_t pending() const {
    return static_cast<std::size_t>(std::count_if(
      channels_.begin(), channels_.end(), [](auto& x) { return x.second.due.has_value(); }));
  }

private:
  struct channel {
    wall_time ref_time{};
    steady_time changed_at{};
    /// Nothing while there is nothing to do.
    std::optional<steady_time> due;
    std::uint64_t request_id = 0;
    unsigned tries = 0;
    bool is_blocked = false;
  };

  milliseconds retry_delay(unsigned tries) const {
    auto doubled = retry_delay_ * (1 << std::min(tries == 0 ? 0u : tries - 1, 16u));
    return std::min(doubled, retry_delay_max);
  }

  milliseconds ack_timeout_;
  milliseconds retry_delay_;
  std::map<channel_key, channel> channels_;
  std::map<std::uint64_t, channel_key> waiting_;
};

} // namespace nacre
