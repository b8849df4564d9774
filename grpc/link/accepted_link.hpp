#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <boost/asio/steady_timer.hpp>

#include "grpc/http2/http2_connection.hpp"
#include "grpc/http2/refusal_log.hpp"
#include "grpc/link/link_protocol.hpp"
#include "grpc/link/peer_proof.hpp"

namespace nacre {

class accepted_link;
using accepted_link_ptr = std::shared_ptr<accepted_link>;

/// Whether the node `address` is a member. Any thread, never blocks.
using knows_peer_function = std::function<bool(const std::string& address)>;

/// Takes a frame of `from`; false if that is no member any more. Any thread; the link reads on when
/// it is back.
using receive_frame_function = std::function<bool(const std::string& from, std::string frame)>;

/// Why a link is not wanted, or not any more.
struct link_refusal {
  status_code code;
  const char* text;
};

/// What all links of one port share: what they need to know, and the list of them. Any thread.
class link_acceptor {
public:
  link_acceptor(cluster_identity identity, std::string self, knows_peer_function knows,
                receive_frame_function receive, const link_limits& limits);

  const cluster_identity identity;
  /// `host:port` of this node.
  const std::string self;
  const knows_peer_function knows;
  const receive_frame_function receive;
  const link_limits limits;
  refusal_log refusals;

  /// A new link, which has proved nothing; null if it may be here, else why not.
  const link_refusal* admit(const accepted_link_ptr& link, const std::string& ip);

  /// `link` has proved to come from `address`.
  /// @returns the one that came from there before
  accepted_link_ptr install(const std::string& address, const accepted_link_ptr& link,
                            const std::string& ip);

  /// An admitted link has ended; `address` is empty if it never proved one.
  void remove(const accepted_link_ptr& link, const std::string& address, const std::string& ip);

  /// Closes all links and refuses those that come from now on.
  void stop();

private:
  /// One of the links of `ip` is not unproved any more; needs the lock.
  void count_proved(const std::string& ip);

  std::mutex lock_;
  std::set<accepted_link_ptr> links_;
  std::map<std::string, accepted_link_ptr> proved_;
  std::size_t unproved_ = 0;
  std::map<std::string, std::size_t> unproved_by_ip_;
  bool stopped_ = false;
};

/// The acceptor's end of a link. On the thread of its connection, but for `close`.
class accepted_link final : public http2_call, public posted {
public:
  accepted_link(std::shared_ptr<link_acceptor> desk, const http2_connection& connection);

  /// Ends it. Any thread.
  void close(const link_refusal& why);

  /// Whether it has shown to come from a node of this cluster, and goes on.
  bool is_proved() const { return phase_ == phase::proved && !left_; }

private:
  enum class phase : std::uint8_t { greeting, proving, proved };

  void on_begin() override;
  void on_message(std::string_view bytes) override;
  void on_half_close() override;
  void on_end(const call_status& status) override;
  void on_posted() override;

  accepted_link_ptr self();
  /// @returns null or why the link has to end
  const link_refusal* on_payload(wire::Payload& message);
  const link_refusal* on_hello(const wire::Payload& message);
  const link_refusal* on_proof(const wire::Payload& message);
  const link_refusal* on_part(wire::Payload& message);
  /// Ends it, and logs unless that was said lately; `claimed` is who it says it is.
  void refuse(const link_refusal& why, std::string_view claimed);
  void end(const link_refusal& why);
  /// Gives its place to others, once.
  void leave();

  const std::shared_ptr<link_acceptor> desk_;
  const std::shared_ptr<http2_inbox> inbox_;
  const std::string ip_;
  boost::asio::steady_timer patience_;
  link_handshake said_;
  /// The part of a frame that is here.
  std::string partial_;
  phase phase_ = phase::greeting;
  bool admitted_ = false;
  bool left_ = false;
  /// Why others want it to end.
  std::atomic<const link_refusal*> closing_{nullptr};
};

} // namespace nacre
