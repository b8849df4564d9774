#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "actors/distro/peer_network.hpp"
#include "grpc/http2/http2_connection.hpp"
#include "grpc/link/link_protocol.hpp"
#include "grpc/link/peer_proof.hpp"

namespace nacre {

/// What all links that this node dials have in common.
struct dial_settings {
  cluster_identity identity;
  /// `host:port` of this node.
  std::string self;
  link_limits limits;
  tls_context tls;
};

/// The dialer's end of a link. `send` and `end` by any thread, all else on its I/O thread.
class dialed_link final : public http2_call, public posted {
public:
  /// @param worker serves it until `on_done`, and has not to be there any longer
  /// @param on_done is called when it is over, after the listener's `on_closed`
  dialed_link(std::shared_ptr<const dial_settings> settings, http2_worker& worker,
              std::string address, std::shared_ptr<peer_listener> listener,
              std::function<void(const dialed_link&)> on_done);

  /// To be called first.
  void start() { inbox_->post(self()); }

  /// @returns false if the frame is dropped
  bool send_frame(std::string frame);

  /// Ends the link for a reason of ours.
  void end(std::string why);

private:
  class user;

  void on_posted() override;
  void on_message(std::string_view bytes) override;
  void on_half_close() override {}
  void on_sent(const outgoing_message& message) override;
  void on_end(const call_status& status) override;

  std::shared_ptr<dialed_link> self();
  void connect();
  void say_hello();
  void send_waiting();
  void on_challenge(const wire::Payload& message);
  void on_welcome();
  void on_late();
  /// Its connection has ended, or there never was one.
  void on_closed(bool refused, const std::string& why);

  const std::shared_ptr<const dial_settings> settings_;
  http2_worker& worker_;
  const std::shared_ptr<http2_inbox> inbox_;
  std::shared_ptr<peer_listener> listener_;
  std::function<void(const dialed_link&)> on_done_;
  /// Until it is over: its thread need not be there any longer.
  std::unique_ptr<boost::asio::steady_timer> patience_;
  std::shared_ptr<http2_connection> connection_;
  link_handshake said_;
  /// Messages that are left of each frame, in order.
  std::deque<std::size_t> parts_left_;
  bool started_ = false;
  /// The acceptor has proved who it is.
  bool proved_ = false;

  std::mutex lock_;
  // Needs the lock.
  std::vector<std::string> frames_;
  std::size_t waiting_frames_ = 0;
  std::size_t waiting_bytes_ = 0;
  bool open_ = false;
  bool ending_ = false;
  std::string why_;
};

} // namespace nacre
