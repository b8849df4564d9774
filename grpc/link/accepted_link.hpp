#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include "grpc/link/link_protocol.hpp"
#include "grpc/link/peer_proof.hpp"
#include "grpc/link/refusal_log.hpp"

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
  grpc::StatusCode code;
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

/// The acceptor's end of a link. Any thread; grpc++ calls the `On…` ones.
class accepted_link final : public grpc::ServerBidiReactor<wire::Payload, wire::Payload>,
                            public std::enable_shared_from_this<accepted_link> {
public:
  /// The link keeps itself alive until grpc++ is done with it.
  static accepted_link* open(const std::shared_ptr<link_acceptor>& desk,
                             grpc::CallbackServerContext& call);

  accepted_link(std::shared_ptr<link_acceptor> desk, grpc::CallbackServerContext& call);

  void close(const link_refusal& why);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

private:
  enum class phase : std::uint8_t { greeting, proving, proved };

  void begin();
  /// Ends a link that proved nothing in time.
  void on_late();
  /// @returns null or why the link has to end
  const link_refusal* on_message(wire::Payload& message);
  const link_refusal* on_hello(const wire::Payload& message);
  const link_refusal* on_proof(const wire::Payload& message);
  const link_refusal* on_part(wire::Payload& message);
  void answer(wire::Payload message);
  void start_write();
  /// Closes, and logs unless that was said lately; `claimed` is who it says it is.
  void refuse(const link_refusal& why, std::string_view claimed);
  /// Finishes once nothing is being written; needs the lock.
  void finish_when_idle();

  const std::shared_ptr<link_acceptor> desk_;
  grpc::CallbackServerContext& call_;
  const std::string ip_;
  accepted_link_ptr self_;
  bool admitted_ = false;
  grpc::Alarm patience_;
  wire::Payload incoming_;
  link_handshake said_;
  /// The part of a frame that is here.
  std::string partial_;

  std::mutex lock_;
  phase phase_ = phase::greeting;
  std::deque<wire::Payload> outgoing_;
  bool writing_ = false;
  bool ending_ = false;
  bool finished_ = false;
  grpc::Status status_;
};

} // namespace nacre
