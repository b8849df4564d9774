#include "grpc/peers.hpp"

#include <algorithm>

#include "grpc/connection_stream.hpp"

namespace nacre {

peer_address parse_peer(std::string_view text) {
  auto scheme = text.find(':');
  if (scheme != text.npos && (text.starts_with("ipv4:") || text.starts_with("ipv6:")))
    text.remove_prefix(scheme + 1);
  auto colon = text.rfind(':');
  if (colon == text.npos)
    return {std::string(text), "0"};
  std::string ip(text.substr(0, colon));
  for (std::string_view mark : {"[", "]", "%5B", "%5D", "::ffff:"})
    if (auto at = ip.find(mark); at != ip.npos)
      ip.erase(at, mark.size());
  return {std::move(ip), std::string(text.substr(colon + 1))};
}

connection_ptr peer::live() const {
  std::lock_guard guard(lock_);
  return live_;
}

peer::setup_result peer::set_up(const std::shared_ptr<connection_stream>& stream, bool naming,
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
    bool known = std::any_of(streams_.begin(), streams_.end(),
                             [&](auto& x) { return x.stream == stream; });
    if (!known)
      streams_.push_back({stream, naming});
    resumed.swap(waiting_);
  }
  for (auto& [ticket, resume] : resumed)
    resume();
  return result;
}

bool peer::end_stream(const connection_stream* stream) {
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

bool peer::when_set_up(std::uint64_t ticket, std::function<void()> resume) {
  std::lock_guard guard(lock_);
  if (live_)
    return false;
  waiting_.emplace(ticket, std::move(resume));
  return true;
}

bool peer::give_up(std::uint64_t ticket) {
  std::lock_guard guard(lock_);
  return waiting_.erase(ticket) > 0;
}

bool peer::send(server_request request) {
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

void peer::close(std::string_view why) {
  std::vector<bound_stream> streams;
  {
    std::lock_guard guard(lock_);
    streams = streams_;
  }
  for (auto& x : streams)
    x.stream->close(why);
}

peer_ptr peer_table::get(const std::string& text, std::int64_t wall_ms, std::int64_t steady_ms) {
  std::lock_guard guard(lock_);
  if (auto i = peers_.find(text); i != peers_.end())
    return i->second;
  if (steady_ms - swept_ms_ > sweep_interval_ms) {
    swept_ms_ = steady_ms;
    std::erase_if(peers_, [&](auto& x) {
      return x.second.use_count() == 1 && steady_ms - x.second->seen_ms > idle_ms
             && !x.second->live();
    });
  }
  // One port may connect twice within a millisecond.
  last_id_ms_ = std::max(last_id_ms_ + 1, wall_ms);
  auto address = parse_peer(text);
  auto id = std::to_string(last_id_ms_) + '_' + address.ip + '_' + address.port;
  auto x = std::make_shared<peer>(std::move(id), std::move(address), steady_ms);
  peers_.emplace(text, x);
  return x;
}

peer_ptr peer_table::find(const std::string& text) const {
  std::lock_guard guard(lock_);
  auto i = peers_.find(text);
  return i == peers_.end() ? nullptr : i->second;
}

void peer_table::remove(const std::string& text) {
  std::lock_guard guard(lock_);
  peers_.erase(text);
}

std::vector<peer_ptr> peer_table::all() const {
  std::vector<peer_ptr> result;
  std::lock_guard guard(lock_);
  for (auto& [text, x] : peers_)
    result.push_back(x);
  return result;
}

} // namespace nacre
