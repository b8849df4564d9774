#include <utility>

#include "grpc/link/accepted_link.hpp"

#include <spdlog/spdlog.h>

#include "actors/base/clocks.hpp"
#include "protocol/cluster_codec.hpp"

namespace nacre {

namespace {

constexpr link_refusal too_many{status_code::resource_exhausted, "too many links without a proof"};
constexpr link_refusal stopping{status_code::unavailable, "the node stops"};
constexpr link_refusal late{status_code::deadline_exceeded, "no proof in time"};
constexpr link_refusal replaced{status_code::aborted, "a newer link of the same node is here"};
constexpr link_refusal out_of_turn{status_code::invalid_argument, "a message out of turn"};
constexpr link_refusal other_version{status_code::invalid_argument, "another version of the codec"};
constexpr link_refusal other_node{status_code::invalid_argument,
                                  "another node was dialed, or this one by another name"};
constexpr link_refusal bad_nonce{status_code::invalid_argument, "a nonce that is none"};
constexpr link_refusal no_member{status_code::permission_denied, "not a member of this cluster"};
constexpr link_refusal bad_proof{status_code::unauthenticated, "a wrong proof"};
constexpr link_refusal too_long{status_code::resource_exhausted, "a frame that is too long"};

/// Addresses longer than this are no member's.
constexpr std::size_t address_max = 256;

} // namespace

// -- desk ----------------------------------------------------------------------------------------

link_acceptor::link_acceptor(cluster_identity who, std::string own_address,
                             knows_peer_function knows_peer, receive_frame_function receive_frame,
                             const link_limits& bounds)
  : identity(std::move(who)),
    self(std::move(own_address)),
    knows(std::move(knows_peer)),
    receive(std::move(receive_frame)),
    limits(bounds) {}

const link_refusal* link_acceptor::admit(const accepted_link_ptr& link, const std::string& ip) {
  std::lock_guard guard(lock_);
  if (stopped_)
    return &stopping;
  auto from_there = unproved_by_ip_.find(ip);
  if (unproved_ >= limits.unproved_max
      || (from_there != unproved_by_ip_.end() && from_there->second >= limits.unproved_per_ip_max))
    return &too_many;
  ++unproved_;
  ++unproved_by_ip_[ip];
  links_.insert(link);
  return nullptr;
}

accepted_link_ptr link_acceptor::install(const std::string& address, const accepted_link_ptr& link,
                                         const std::string& ip) {
  std::lock_guard guard(lock_);
  count_proved(ip);
  return std::exchange(proved_[address], link);
}

void link_acceptor::remove(const accepted_link_ptr& link, const std::string& address,
                           const std::string& ip) {
  std::lock_guard guard(lock_);
  links_.erase(link);
  if (address.empty())
    return count_proved(ip);
  if (auto i = proved_.find(address); i != proved_.end() && i->second == link)
    proved_.erase(i);
}

void link_acceptor::count_proved(const std::string& ip) {
  --unproved_;
  if (auto i = unproved_by_ip_.find(ip); --i->second == 0)
    unproved_by_ip_.erase(i);
}

void link_acceptor::stop() {
  std::set<accepted_link_ptr> links;
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
    links = links_;
  }
  for (auto& x : links)
    x->close(stopping);
}

// -- link ----------------------------------------------------------------------------------------

accepted_link::accepted_link(std::shared_ptr<link_acceptor> desk,
                             const http2_connection& connection)
  : http2_call(link_message_bytes_max),
    desk_(std::move(desk)),
    inbox_(connection.worker().inbox),
    ip_(connection.address()),
    patience_(connection.worker().io) {}

accepted_link_ptr accepted_link::self() {
  return std::static_pointer_cast<accepted_link>(shared_from_this());
}

void accepted_link::on_begin() {
  send_headers();
  if (auto why = desk_->admit(self(), ip_))
    return refuse(*why, {});
  admitted_ = true;
  patience_.expires_after(desk_->limits.handshake_patience);
  patience_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    auto link = std::static_pointer_cast<accepted_link>(weak.lock());
    if (!cancelled && link && !link->left_ && link->phase_ != phase::proved)
      link->refuse(late, {}); // without its name, which may be on its way just now
  });
}

void accepted_link::on_message(std::string_view bytes) {
  if (left_)
    return;
  read_payload message(bytes);
  auto why = message ? on_payload(*message) : &out_of_turn;
  if (why)
    refuse(*why, said_.dialer);
}

const link_refusal* accepted_link::on_payload(wire::Payload& message) {
  if (phase_ == phase::proved)
    return on_part(message);
  auto awaited = phase_ == phase::greeting ? link_message::hello : link_message::proof;
  if (type_of(message) != awaited)
    return &out_of_turn;
  return phase_ == phase::greeting ? on_hello(message) : on_proof(message);
}

const link_refusal* accepted_link::on_hello(const wire::Payload& message) {
  said_ = {header(message, link_header::from), desk_->self, header(message, link_header::nonce),
           make_nonce()};
  if (header(message, link_header::version) != std::to_string(cluster_codec_version))
    return &other_version;
  if (header(message, link_header::to) != desk_->self)
    return &other_node;
  if (!is_nonce(said_.dialer_nonce))
    return &bad_nonce;
  if (said_.dialer.empty() || said_.dialer.size() > address_max || !desk_->knows(said_.dialer))
    return &no_member;
  auto reply = make_link_message(link_message::challenge);
  set_header(reply, link_header::nonce, said_.acceptor_nonce);
  set_header(reply, link_header::proof, link_proof(link_role::acceptor, desk_->identity, said_));
  phase_ = phase::proving;
  send(serialized(reply));
  return nullptr;
}

const link_refusal* accepted_link::on_proof(const wire::Payload& message) {
  auto expected = link_proof(link_role::dialer, desk_->identity, said_);
  if (!same_proof(header(message, link_header::proof), expected))
    return &bad_proof;
  phase_ = phase::proved;
  patience_.cancel();
  if (auto older = desk_->install(said_.dialer, self(), ip_))
    older->close(replaced);
  spdlog::info("link-accepted of {}", said_.dialer);
  send(serialized(make_link_message(link_message::welcome)));
  return nullptr;
}

const link_refusal* accepted_link::on_part(wire::Payload& message) {
  auto& type = type_of(message);
  bool last = type == link_message::frame;
  if (!last && type != link_message::part)
    return &out_of_turn;
  auto& bytes = *message.mutable_body()->mutable_value();
  if (partial_.size() + bytes.size() > frame_bytes_max)
    return &too_long;
  if (partial_.empty())
    partial_ = std::move(bytes);
  else
    partial_ += bytes;
  if (!last)
    return nullptr;
  return desk_->receive(said_.dialer, std::exchange(partial_, {})) ? nullptr : &no_member;
}

void accepted_link::refuse(const link_refusal& why, std::string_view claimed) {
  if (desk_->refusals.admit(ip_, why.text, steady_now()))
    spdlog::warn("link-refused from {} as \"{}\": {}", ip_, loggable(claimed, 64), why.text);
  end(why);
}

void accepted_link::close(const link_refusal& why) {
  const link_refusal* none = nullptr;
  if (closing_.compare_exchange_strong(none, &why))
    inbox_->post(self());
}

void accepted_link::on_posted() { end(*closing_.load()); }

void accepted_link::end(const link_refusal& why) {
  leave();
  fail({why.code, why.text});
}

void accepted_link::on_half_close() {
  leave();
  finish();
}

void accepted_link::on_end(const call_status&) { leave(); }

void accepted_link::leave() {
  if (std::exchange(left_, true))
    return;
  patience_.cancel();
  if (!admitted_)
    return;
  bool proved = phase_ == phase::proved;
  desk_->remove(self(), proved ? said_.dialer : std::string(), ip_);
  if (proved)
    spdlog::debug("link-ended of {}", said_.dialer);
}

} // namespace nacre
