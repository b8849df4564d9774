#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/tables/connection_table.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

/// Messages of the fuzzy watch to one client without mailbox, link or clock. They tell of changes
/// and so have to arrive in order, each once: one is on its way at a time, and goes out again until
/// it is acknowledged (Nacos `FuzzyWatchPushDelayTask`).
class watch_notices {
public:
  /// Beyond these the client has not taken what it was told; the connection has to begin anew.
  static constexpr std::size_t queued_max = 10'000;
  static constexpr std::size_t queued_bytes_max = 8 * 1024 * 1024;

  watch_notices(milliseconds ack_timeout, milliseconds retry_delay)
    : ack_timeout_(ack_timeout), retry_delay_(retry_delay) {}

  /// `fields` is the JSON of the message without its braces and request id.
  void add(std::string_view type, std::string fields, steady_time now) {
    bytes_ += fields.size();
    queue_.push_back({type, std::move(fields)});
    if (queue_.size() == 1)
      due_ = now;
  }

  bool is_full() const { return queue_.size() >= queued_max || bytes_ >= queued_bytes_max; }

  /// Whether `count` more that tell of keys of `bytes` in all may wait as well, and changes behind
  /// them. A notice takes a few hundred bytes beside its keys.
  bool has_room_for(std::size_t count, std::size_t bytes) const {
    return queue_.size() + count <= queued_max
           && bytes_ + bytes + count * 256 <= queued_bytes_max / 2;
  }

  std::size_t size() const { return queue_.size(); }

  /// The message to send now as request `id`; nothing if one is on its way or none waits.
  std::optional<server_request> take(std::uint64_t id, steady_time now) {
    if (queue_.empty() || now < due_)
      return std::nullopt;
    waiting_id_ = id;
    due_ = now + ack_timeout_ + retry_delay_;
    auto& first = queue_.front();
    return server_request{first.type, request_body(id, "naming", first.fields)};
  }

  /// @returns whether the answer was to a message of these
  bool answered(std::uint64_t id, bool ok, steady_time now) {
    if (id == 0 || id != waiting_id_)
      return false;
    waiting_id_ = 0;
    if (ok) {
      bytes_ -= queue_.front().fields.size();
      queue_.pop_front();
    }
    due_ = ok ? now : now + retry_delay_;
    return true;
  }

  std::optional<steady_time> next_due() const {
    return queue_.empty() ? std::nullopt : std::optional(due_);
  }

private:
  struct notice {
    std::string_view type;
    std::string fields;
  };

  milliseconds ack_timeout_;
  milliseconds retry_delay_;
  /// A list, which takes no memory of the many that watch nothing.
  std::list<notice> queue_;
  /// Of the fields in it.
  std::size_t bytes_ = 0;
  std::uint64_t waiting_id_ = 0;
  steady_time due_{};
};

} // namespace nacre
