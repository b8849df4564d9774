#include "grpc/link/accepted_link.hpp"

#include <spdlog/spdlog.h>

#include "actors/base/clocks.hpp"
#include "grpc/transport.hpp"
#include "protocol/cluster_codec.hpp"

namespace nacre {

namespace {

using grpc::StatusCode;

constexpr link_refusal too_many{StatusCode::RESOURCE_EXHAUSTED, "too many links without a proof"};
constexpr link_refusal stopping{StatusCode::UNAVAILABLE, "the node stops"};
constexpr link_refusal late{StatusCode::DEADLINE_EXCEEDED, "no proof in time"};
constexpr link_refusal replaced{StatusCode::ABORTED, "a newer link of the same node is here"};
constexpr link_refusal out_of_turn{StatusCode::INVALID_ARGUMENT, "a message out of turn"};
constexpr link_refusal other_version{StatusCode::INVALID_ARGUMENT, "another version of the codec"};
constexpr link_refusal other_node{StatusCode::INVALID_ARGUMENT,
                                  "another node was dialed, or this one by another name"};
constexpr link_refusal bad_nonce{StatusCode::INVALID_ARGUMENT, "a nonce that is none"};
constexpr link_refusal no_member{StatusCode::PERMISSION_DENIED, "not a member of this cluster"};
constexpr link_refusal bad_proof{StatusCode::UNAUTHENTICATED, "a wrong proof"};
constexpr link_refusal too_long{StatusCode::RESOURCE_EXHAUSTED, "a frame that is too long"};

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

accepted_link* accepted_link::open(const std::shared_ptr<link_acceptor>& desk,
                                   grpc::CallbackServerContext& call) {
  auto link = std::make_shared<accepted_link>(desk, call);
  link->self_ = link;
  link->begin();
  return link.get();
}

accepted_link::accepted_link(std::shared_ptr<link_acceptor> desk, grpc::CallbackServerContext& call)
  : desk_(std::move(desk)), call_(call), ip_(parse_peer(call.peer()).ip) {}

void accepted_link::begin() {
  if (auto why = desk_->admit(self_, ip_))
    return refuse(*why, {});
  admitted_ = true;
  patience_.Set(std::chrono::system_clock::now() + desk_->limits.handshake_patience,
                [weak = weak_from_this()](bool rings) {
                  if (auto link = weak.lock(); link && rings)
                    link->on_late();
                });
  StartRead(&incoming_);
}

void accepted_link::on_late() {
  {
    std::lock_guard guard(lock_);
    if (phase_ == phase::proved || ending_)
      return;
  }
  refuse(late, {}); // without its name, which may be on its way just now
}

void accepted_link::OnReadDone(bool ok) {
  if (!ok) { // the dialer has closed its half, or all is over
    std::lock_guard guard(lock_);
    return finish_when_idle();
  }
  if (auto why = on_message(incoming_))
    return refuse(*why, said_.dialer);
  incoming_.Clear();
  StartRead(&incoming_);
}

const link_refusal* accepted_link::on_message(wire::Payload& message) {
  // Only this thread changes it.
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
  {
    std::lock_guard guard(lock_);
    phase_ = phase::proving;
  }
  answer(std::move(reply));
  return nullptr;
}

const link_refusal* accepted_link::on_proof(const wire::Payload& message) {
  auto expected = link_proof(link_role::dialer, desk_->identity, said_);
  if (!same_proof(header(message, link_header::proof), expected))
    return &bad_proof;
  {
    std::lock_guard guard(lock_);
    if (ending_)
      return nullptr;
    phase_ = phase::proved;
  }
  patience_.Cancel();
  if (auto older = desk_->install(said_.dialer, self_, ip_))
    older->close(replaced);
  spdlog::info("link-accepted of {}", said_.dialer);
  answer(make_link_message(link_message::welcome));
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

void accepted_link::answer(wire::Payload message) {
  std::lock_guard guard(lock_);
  if (ending_ || finished_)
    return;
  outgoing_.push_back(std::move(message));
  if (!writing_)
    start_write();
}

void accepted_link::start_write() {
  writing_ = true;
  StartWrite(&outgoing_.front());
}

void accepted_link::OnWriteDone(bool ok) {
  std::lock_guard guard(lock_);
  writing_ = false;
  outgoing_.pop_front();
  if (ending_ || !ok)
    return finish_when_idle();
  if (!outgoing_.empty())
    start_write();
}

void accepted_link::refuse(const link_refusal& why, std::string_view claimed) {
  if (desk_->refusals.admit(ip_, why.text, steady_now()))
    spdlog::warn("link-refused from {} as \"{}\": {}", ip_, loggable(claimed, 64), why.text);
  close(why);
}

void accepted_link::close(const link_refusal& why) {
  std::lock_guard guard(lock_);
  if (std::exchange(ending_, true) || finished_)
    return;
  status_ = grpc::Status(why.code, why.text);
  finish_when_idle();
}

void accepted_link::finish_when_idle() {
  ending_ = true;
  if (!writing_ && !std::exchange(finished_, true))
    Finish(status_);
}

void accepted_link::OnCancel() {
  std::lock_guard guard(lock_);
  if (!ending_)
    status_ = grpc::Status(StatusCode::CANCELLED, "cancelled");
  finish_when_idle();
}

void accepted_link::OnDone() {
  patience_.Cancel();
  if (admitted_) {
    bool proved = phase_ == phase::proved;
    desk_->remove(self_, proved ? said_.dialer : std::string(), ip_);
    if (proved)
      spdlog::debug("link-ended of {}", said_.dialer);
  }
  self_.reset(); // deletes this
}

} // namespace nacre
