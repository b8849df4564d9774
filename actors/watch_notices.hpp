#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/connection_table.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

/// Messages of the fuzzy watch to one client without mailbox, wire or clock. They tell of changes
/// and so have to arrive in order, each once: one is on its way at a time, and goes out again until
/// it is acknowledged (Nacos `FuzzyWatchPushDelayTask`). Times are ms of the steady clock.
class watch_notices {
public:
  /// Beyond this the client has not taken what it was told; the connection has to begin anew.
  static constexpr std::size_t queued_max = 10'000;

  watch_notices(std::int64_t ack_timeout_ms, std::int64_t retry_delay_ms)
    : ack_timeout_ms_(ack_timeout_ms), retry_delay_ms_(retry_delay_ms) {}

  /// `fields` is the JSON of the message without its braces and request id.
  void add(std::string_view type, std::string fields, std::int64_t now_ms) {
    queue_.push_back({type, std::move(fields)});
    if (queue_.size() == 1)
      due_ms_ = now_ms;
  }

  bool is_full() const { return queue_.size() >= queued_max; }
  std::size_t size() const { return queue_.size(); }

  /// The message to send now as request `id`; nothing if one is on its way or none waits.
  std::optional<server_request> take(std::uint64_t id, std::int64_t now_ms) {
    if (queue_.empty() || now_ms < due_ms_)
      return std::nullopt;
    waiting_id_ = id;
    due_ms_ = now_ms + ack_timeout_ms_ + retry_delay_ms_;
    auto& first = queue_.front();
    return server_request{first.type, request_body(id, "naming", first.fields)};
  }

  /// @returns whether the answer was to a message of these
  bool answered(std::uint64_t id, bool ok, std::int64_t now_ms) {
    if (id == 0 || id != waiting_id_)
      return false;
    waiting_id_ = 0;
    if (ok)
      queue_.pop_front();
    due_ms_ = ok ? now_ms : now_ms + retry_delay_ms_;
    return true;
  }

  std::optional<std::int64_t> next_due_ms() const {
    return queue_.empty() ? std::nullopt : std::optional(due_ms_);
  }

private:
  struct notice {
    std::string_view type;
    std::string fields;
  };

  std::int64_t ack_timeout_ms_;
  std::int64_t retry_delay_ms_;
  std::deque<notice> queue_;
  std::uint64_t waiting_id_ = 0;
  std::int64_t due_ms_ = 0;
};

} // namespace nacre
