#include <utility>

#include "grpc/link/dialed_link.hpp"

#include <limits>
#include <optional>

#include "grpc/rpc_routes.hpp"
#include "protocol/cluster_codec.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Longest message of an acceptor.
constexpr std::size_t answer_bytes_max = 16 * 1024;

constexpr std::size_t reason_max = 256;

/// Where the main port's neighbour of an address is; nothing for one without a port.
struct target {
  std::string host;
  std::uint16_t port = 0;
};

std::optional<target> target_of(const std::string& address) {
  constexpr auto port_max = std::numeric_limits<std::uint16_t>::max() - cluster_port_offset;
  auto x = split_host_port(address);
  if (!x || x->port < 1 || x->port > port_max)
    return std::nullopt;
  auto host = std::string(x->host);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  return target{std::move(host), static_cast<std::uint16_t>(x->port + cluster_port_offset)};
}

} // namespace

/// Hears of the connection below a link.
class dialed_link::user final : public connection_user {
public:
  explicit user(std::shared_ptr<dialed_link> link) : link_(std::move(link)) {}

  int route_of(std::string_view) const override { return -1; }
  http2_call_ptr take_call(int) override { return nullptr; }
  bool is_known() const override { return true; }
  void on_closed(bool refused, const call_status& why) override {
    link_->on_closed(refused, why.text);
  }

private:
  const std::shared_ptr<dialed_link> link_;
};

dialed_link::dialed_link(std::shared_ptr<const dial_settings> settings, http2_worker& worker,
                         std::string address, std::shared_ptr<peer_listener> listener,
                         std::function<void(const dialed_link&)> on_done)
  : http2_call(answer_bytes_max),
    settings_(std::move(settings)),
    worker_(worker),
    inbox_(worker.inbox),
    listener_(std::move(listener)),
    on_done_(std::move(on_done)),
    patience_(std::make_unique<boost::asio::steady_timer>(worker.io)) {
  said_.dialer = settings_->self;
  said_.acceptor = std::move(address);
  said_.dialer_nonce = make_nonce();
}

std::shared_ptr<dialed_link> dialed_link::self() {
  return std::static_pointer_cast<dialed_link>(shared_from_this());
}

// -- any thread ----------------------------------------------------------------------------------

bool dialed_link::send_frame(std::string frame) {
  auto& limits = settings_->limits;
  std::lock_guard guard(lock_);
  if (!open_ || ending_ || frame.size() > frame_bytes_max
      || waiting_frames_ >= limits.waiting_frames_max
      || waiting_bytes_ + frame.size() > limits.waiting_bytes_max)
    return false;
  ++waiting_frames_;
  waiting_bytes_ += frame.size();
  frames_.push_back(std::move(frame));
  if (frames_.size() == 1)
    inbox_->post(self());
  return true;
}

void dialed_link::end(std::string why) {
  std::lock_guard guard(lock_);
  if (std::exchange(ending_, true))
    return;
  why_ = std::move(why);
  inbox_->post(self());
}

// -- its own thread ------------------------------------------------------------------------------

void dialed_link::on_posted() {
  bool ends = false;
  {
    std::lock_guard guard(lock_);
    ends = ending_;
  }
  if (!listener_)
    return;
  if (!std::exchange(started_, true) && !ends)
    return connect();
  if (!ends)
    return send_waiting();
  if (connection_)
    connection_->close({status_code::cancelled, "closed by this node"});
  else
    on_closed(false, {});
}

void dialed_link::connect() {
  auto to = target_of(said_.acceptor);
  if (!to)
    return on_closed(false, "an address without a port");
  auto& limits = settings_->limits;
  patience_->expires_after(limits.handshake_patience);
  patience_->async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    if (auto link = std::static_pointer_cast<dialed_link>(weak.lock()); link && !cancelled)
      link->on_late();
  });
  connection_ = std::make_shared<http2_connection>(worker_);
  connection_->connect(to->host, to->port, settings_->tls, limits.connect_patience,
                       std::make_shared<user>(self()));
  connection_->session().open(shared_from_this(), std::string(stream_path),
                              to->host + ':' + std::to_string(to->port));
  say_hello();
}

void dialed_link::say_hello() {
  auto hello = make_link_message(link_message::hello);
  set_header(hello, link_header::version, std::to_string(cluster_codec_version));
  set_header(hello, link_header::from, said_.dialer);
  set_header(hello, link_header::to, said_.acceptor);
  set_header(hello, link_header::nonce, said_.dialer_nonce);
  parts_left_.push_back(1);
  send(serialized(hello));
}

void dialed_link::send_waiting() {
  std::vector<std::string> frames;
  {
    std::lock_guard guard(lock_);
    frames.swap(frames_);
  }
  std::vector<outgoing_message> messages;
  for (auto& x : frames)
    parts_left_.push_back(cut_frame(std::move(x), messages));
  for (auto& x : messages)
    send(std::move(x));
}

void dialed_link::on_sent(const outgoing_message& message) {
  bool is_whole = --parts_left_.front() == 0;
  if (is_whole)
    parts_left_.pop_front();
  if (!open_) // one of the handshake; only this thread changes it
    return;
  std::lock_guard guard(lock_);
  waiting_bytes_ -= std::min(waiting_bytes_, message.body.size());
  waiting_frames_ -= is_whole && waiting_frames_ > 0 ? 1 : 0;
}

void dialed_link::on_message(std::string_view bytes) {
  read_payload message(bytes);
  auto type = message ? std::string_view(type_of(*message)) : std::string_view();
  if (type == link_message::challenge && said_.acceptor_nonce.empty())
    return on_challenge(*message);
  if (type == link_message::welcome && proved_ && !open_)
    return on_welcome();
  end("it sends messages out of turn");
}

void dialed_link::on_challenge(const wire::Payload& message) {
  said_.acceptor_nonce = header(message, link_header::nonce);
  auto expected = link_proof(link_role::acceptor, settings_->identity, said_);
  if (!is_nonce(said_.acceptor_nonce) || !same_proof(header(message, link_header::proof), expected))
    return end("it can't prove to be of this cluster: another identity, or another node");
  proved_ = true;
  auto proof = make_link_message(link_message::proof);
  set_header(proof, link_header::proof, link_proof(link_role::dialer, settings_->identity, said_));
  parts_left_.push_back(1);
  send(serialized(proof));
}

void dialed_link::on_welcome() {
  patience_->cancel();
  bool opens = false;
  {
    std::lock_guard guard(lock_);
    opens = open_ = !ending_;
  }
  if (opens)
    listener_->on_open();
}

void dialed_link::on_late() {
  if (!open_)
    end("no link within " + std::to_string(settings_->limits.handshake_patience.count()) + " ms");
}

void dialed_link::on_end(const call_status& status) { end(loggable(status.text, reason_max)); }

void dialed_link::on_closed(bool refused, const std::string& why) {
  patience_ = nullptr;
  connection_ = nullptr;
  auto listener = std::exchange(listener_, nullptr);
  if (!listener)
    return;
  std::string said;
  {
    std::lock_guard guard(lock_);
    refused = refused && !open_;
    ending_ = true;
    frames_.clear();
    said = refused || why_.empty() ? loggable(why, reason_max) : why_;
  }
  listener->on_closed(refused, said.empty() ? "it ended" : said);
  listener = nullptr;
  std::exchange(on_done_, nullptr)(*this);
}

} // namespace nacre
