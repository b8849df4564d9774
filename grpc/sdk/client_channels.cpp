#include "grpc/sdk/client_channels.hpp"

#include <algorithm>

#include "grpc/sdk/connection_stream.hpp"

namespace nacre {

connection_ptr client_channel::live() const {
  std::lock_guard guard(lock_);
  return live_;
}

client_channel::setup_result
client_channel::set_up(const std::shared_ptr<connection_stream>& stream, bool naming,
                       const std::function<connection_ptr()>& open) {
  std::map<std::uint64_t, std::function<void()>> resumed;
  auto result = setup_result::repeated;
  {
    std::lock_guard guard(lock_);
    if (!live_) {
      live_ = open();
      if (!live_)
        return setup_result::refused;
      result = setup_result::done;
    }
    bool known =
      std::any_of(streams_.begin(), streams_.end(), [&](auto& x) { return x.stream == stream; });
    if (!known)
      streams_.push_back({stream, naming});
    resumed.swap(waiting_);
  }
  for (auto& [waiter, resume] : resumed)
    resume();
  return result;
}

bool client_channel::end_stream(const connection_stream* stream) {
  connection_ptr ended;
  {
    std::lock_guard guard(lock_);
    std::erase_if(streams_, [&](auto& x) { return x.stream.get() == stream; });
    if (streams_.empty())
      ended = std::exchange(live_, nullptr);
  }
  if (ended)
    end_connection(ended, change_reason::connection_closed);
  return ended != nullptr;
}

bool client_channel::when_set_up(std::uint64_t waiter, std::function<void()> resume) {
  std::lock_guard guard(lock_);
  if (live_)
    return false;
  waiting_.emplace(waiter, std::move(resume));
  return true;
}

bool client_channel::give_up(std::uint64_t waiter) {
  std::lock_guard guard(lock_);
  return waiting_.erase(waiter) > 0;
}

bool client_channel::send(server_request request) {
  std::shared_ptr<connection_stream> stream;
  {
    std::lock_guard guard(lock_);
    if (streams_.empty())
      return true; // the connection is about to end
    auto naming = std::find_if(streams_.begin(), streams_.end(), [](auto& x) { return x.naming; });
    stream = (naming == streams_.end() ? streams_.begin() : naming)->stream;
  }
  return stream->send(std::move(request));
}

void client_channel::close(std::string_view why) {
  std::vector<bound_stream> streams;
  {
    std::lock_guard guard(lock_);
    streams = streams_;
  }
  for (auto& x : streams)
    x.stream->close(why);
}

client_channel_ptr channel_table::get(const std::string& text, const node_clock& clock) {
  auto now = clock.steady();
  std::lock_guard guard(lock_);
  if (auto i = channels_.find(text); i != channels_.end())
    return i->second;
  if (now - swept_ > sweep_interval) {
    swept_ = now;
    std::erase_if(channels_, [&](auto& x) {
      return x.second.use_count() == 1 && now - x.second->seen > idle && !x.second->live();
    });
  }
  // One port may connect twice within a millisecond.
  last_id_ = std::max(last_id_ + milliseconds(1), clock.wall());
  auto address = parse_peer(text);
  auto id = std::to_string(to_ms(last_id_)) + '_' + address.ip + '_' + address.port;
  auto x = std::make_shared<client_channel>(std::move(id), std::move(address), now);
  channels_.emplace(text, x);
  return x;
}

client_channel_ptr channel_table::find(const std::string& text) const {
  std::lock_guard guard(lock_);
  auto i = channels_.find(text);
  return i == channels_.end() ? nullptr : i->second;
}

void channel_table::remove(const std::string& text) {
  std::lock_guard guard(lock_);
  channels_.erase(text);
}

std::vector<client_channel_ptr> channel_table::all() const {
  std::vector<client_channel_ptr> result;
  std::lock_guard guard(lock_);
  for (auto& [text, x] : channels_)
    result.push_back(x);
  return result;
}

} // namespace nacre
