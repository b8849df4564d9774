#include "grpc/link/grpc_peer_network.hpp"

#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <set>
#include <vector>

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include "grpc/link/peer_proof.hpp"
#include "grpc/services.grpc.pb.h"
#include "grpc/transport.hpp"
#include "protocol/cluster_codec.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Longest message of an acceptor.
constexpr int answer_bytes_max = 16 * 1024;

constexpr std::size_t reason_max = 256;

/// What grpc++ connects to; empty, which leads nowhere, for an address without a port. It would
/// take one of its own.
std::string target_of(const std::string& address) {
  constexpr auto port_max = std::numeric_limits<std::uint16_t>::max() - cluster_port_offset;
  auto x = split_host_port(address);
  if (!x || x->port < 1 || x->port > port_max)
    return {};
  return std::string(x->host) + ':' + std::to_string(x->port + cluster_port_offset);
}

grpc::ChannelArguments arguments_of(const link_limits& limits) {
  auto ms = [](milliseconds x) { return static_cast<int>(x.count()); };
  grpc::ChannelArguments x;
  x.SetMaxReceiveMessageSize(answer_bytes_max);
  // Else links would share a connection, and its waits after failures.
  x.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Its time to connect is the wait before it would try again.
  x.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, ms(limits.connect_patience));
  x.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, ms(limits.keepalive_time));
  x.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(limits.keepalive_timeout));
  x.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A connection whose link has ended goes.
  x.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, 1'000);
  // Retries would keep copies of what was sent; ours is a protocol that repeats itself.
  x.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Nodes talk to each other directly, whatever the environment says of proxies and records.
  x.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  x.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return x;
}

} // namespace

// -- environment ---------------------------------------------------------------------------------

/// What links share, and outlives the network as long as one of them is not done.
struct grpc_peer_network::environment {
  /// The parts of a link that are grpc++'s. The last channel of a process waits, when it goes, for
  /// the threads that serve links: so it must not go on one of these.
  struct call {
    std::shared_ptr<grpc::Channel> channel;
    grpc::ClientContext context;
  };

  environment(const cluster_options& opts, std::string own_address, const link_limits& bounds)
    : identity{opts.identity_key, opts.identity_value},
      self(std::move(own_address)),
      limits(bounds),
      credentials(channel_credentials(tls_files_of(opts))),
      arguments(arguments_of(bounds)) {}

  const cluster_identity identity;
  const std::string self;
  const link_limits limits;
  const std::shared_ptr<grpc::ChannelCredentials> credentials;
  const grpc::ChannelArguments arguments;

  void add(const std::shared_ptr<dialed_link>& link);

  /// A link is done; from grpc++'s threads.
  void retire(const std::shared_ptr<dialed_link>& link, std::unique_ptr<call> ended);

  /// Frees what ended links left.
  void sweep();

  /// Returns when all links are done.
  void close_all();

private:
  std::mutex lock_;
  std::condition_variable retired_;
  std::set<std::shared_ptr<dialed_link>> links_;
  std::vector<std::unique_ptr<call>> spent_;
};

// -- link ----------------------------------------------------------------------------------------

/// The dialer's end of a link. Any thread; grpc++ calls the `On…` ones.
class grpc_peer_network::dialed_link final
  : public grpc::ClientBidiReactor<wire::Payload, wire::Payload>,
    public std::enable_shared_from_this<dialed_link> {
public:
  dialed_link(std::shared_ptr<environment> env, const std::string& address,
              std::shared_ptr<peer_listener> listener)
    : env_(std::move(env)), listener_(std::move(listener)), call_(new environment::call) {
    auto target = target_of(address);
    if (target.empty())
      why_ = "an address without a port";
    call_->channel = grpc::CreateCustomChannel(target, env_->credentials, env_->arguments);
    said_.dialer = env_->self;
    said_.acceptor = address;
    said_.dialer_nonce = make_nonce();
  }

  void start() {
    auto stub = BiRequestStream::NewStub(call_->channel);
    stub->async()->requestBiStream(&call_->context, this);
    AddHold(); // frames are written from outside of what grpc++ calls
    auto hello = make_link_message(link_message::hello);
    set_header(hello, link_header::version, std::to_string(cluster_codec_version));
    set_header(hello, link_header::from, said_.dialer);
    set_header(hello, link_header::to, said_.acceptor);
    set_header(hello, link_header::nonce, said_.dialer_nonce);
    say(std::move(hello));
    StartRead(&incoming_);
    patience_.Set(std::chrono::system_clock::now() + env_->limits.handshake_patience,
                  [weak = weak_from_this()](bool rings) {
                    if (auto link = weak.lock(); link && rings)
                      link->on_late();
                  });
    StartCall();
  }

  bool send(std::string frame) {
    std::lock_guard guard(lock_);
    auto& limits = env_->limits;
    if (!open_ || ending_ || frame.size() > frame_bytes_max
        || waiting_frames_ >= limits.waiting_frames_max
        || waiting_bytes_ + frame.size() > limits.waiting_bytes_max)
      return false;
    ++waiting_frames_;
    waiting_bytes_ += frame.size();
    cut_frame(std::move(frame), outgoing_);
    write_next();
    return true;
  }

  /// Ends the link for a reason of ours.
  void end(std::string why) {
    std::lock_guard guard(lock_);
    if (ending_)
      return;
    why_ = std::move(why);
    call_->context.TryCancel();
    stop_writing();
  }

  void OnReadDone(bool ok) override {
    if (!ok) { // its status follows and says why
      std::lock_guard guard(lock_);
      if (!ending_)
        stop_writing();
    } else if (on_message(incoming_)) {
      incoming_.Clear();
      StartRead(&incoming_);
    }
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard guard(lock_);
    writing_ = false;
    waiting_bytes_ -= body_of(outgoing_.front()).size();
    waiting_frames_ -= type_of(outgoing_.front()) == link_message::frame ? 1 : 0;
    outgoing_.pop_front();
    if (ok)
      write_next();
  }

  void OnDone(const grpc::Status& status) override {
    patience_.Cancel();
    outgoing_.clear();
    auto why = why_.empty() ? loggable(status.error_message(), reason_max) : why_;
    bool refused = status.error_code() == grpc::StatusCode::UNAVAILABLE && !open_
                   && status.error_message().find("Connection refused") != std::string::npos;
    std::exchange(listener_, nullptr)->on_closed(refused, why.empty() ? "it ended" : why);
    env_->retire(shared_from_this(), std::move(call_));
  }

private:
  void on_late() {
    {
      std::lock_guard guard(lock_);
      if (open_)
        return;
    }
    end("no link within " + std::to_string(env_->limits.handshake_patience.count()) + " ms");
  }

  /// @returns whether to read on
  bool on_message(const wire::Payload& message) {
    auto& type = type_of(message);
    if (type == link_message::challenge && said_.acceptor_nonce.empty())
      return on_challenge(message);
    if (type == link_message::welcome && proved_ && !open_)
      return on_welcome();
    end("it sends messages out of turn");
    return false;
  }

  bool on_challenge(const wire::Payload& message) {
    said_.acceptor_nonce = header(message, link_header::nonce);
    auto expected = link_proof(link_role::acceptor, env_->identity, said_);
    if (!is_nonce(said_.acceptor_nonce)
        || !same_proof(header(message, link_header::proof), expected)) {
      end("it can't prove to be of this cluster: another identity, or another node");
      return false;
    }
    proved_ = true;
    auto proof = make_link_message(link_message::proof);
    set_header(proof, link_header::proof, link_proof(link_role::dialer, env_->identity, said_));
    say(std::move(proof));
    return true;
  }

  bool on_welcome() {
    patience_.Cancel();
    {
      std::lock_guard guard(lock_);
      open_ = !ending_;
    }
    if (open_)
      listener_->on_open();
    return true;
  }

  /// A message of the handshake.
  void say(wire::Payload message) {
    std::lock_guard guard(lock_);
    outgoing_.push_back(std::move(message));
    write_next();
  }

  /// Needs the lock, as do those below.
  void write_next() {
    if (writing_ || ending_ || outgoing_.empty())
      return;
    writing_ = true;
    StartWrite(&outgoing_.front());
  }

  void stop_writing() {
    ending_ = true;
    RemoveHold();
  }

  const std::shared_ptr<environment> env_;
  std::shared_ptr<peer_listener> listener_;
  std::unique_ptr<environment::call> call_;
  grpc::Alarm patience_;
  wire::Payload incoming_;
  link_handshake said_;
  /// The acceptor has proved who it is.
  bool proved_ = false;

  std::mutex lock_;
  /// The front is being written.
  std::deque<wire::Payload> outgoing_;
  std::size_t waiting_frames_ = 0;
  std::size_t waiting_bytes_ = 0;
  bool writing_ = false;
  bool open_ = false;
  bool ending_ = false;
  std::string why_;
};

/// What an actor holds: the link ends with it.
class grpc_peer_network::handle final : public peer_link {
public:
  explicit handle(std::shared_ptr<dialed_link> link) : link_(std::move(link)) {}
  ~handle() override { close(); }

  bool send(std::string frame) override { return link_->send(std::move(frame)); }
  void close() override { link_->end("closed by this node"); }

private:
  const std::shared_ptr<dialed_link> link_;
};

// -- network -------------------------------------------------------------------------------------

void grpc_peer_network::environment::add(const std::shared_ptr<dialed_link>& link) {
  std::lock_guard guard(lock_);
  links_.insert(link);
}

void grpc_peer_network::environment::retire(const std::shared_ptr<dialed_link>& link,
                                            std::unique_ptr<call> ended) {
  std::lock_guard guard(lock_);
  spent_.push_back(std::move(ended));
  links_.erase(link);
  retired_.notify_all();
}

void grpc_peer_network::environment::sweep() {
  std::vector<std::unique_ptr<call>> spent;
  {
    std::lock_guard guard(lock_);
    spent.swap(spent_);
  }
}

void grpc_peer_network::environment::close_all() {
  std::unique_lock guard(lock_);
  auto links = links_;
  guard.unlock();
  for (auto& x : links)
    x->end("the node stops");
  links.clear();
  guard.lock();
  retired_.wait(guard, [this] { return links_.empty(); });
}

grpc_peer_network::grpc_peer_network(const cluster_options& opts, std::string self,
                                     const link_limits& limits)
  : env_((prepare_grpc(), std::make_shared<environment>(opts, std::move(self), limits))) {}

grpc_peer_network::~grpc_peer_network() {
  env_->close_all();
  env_->sweep();
}

std::shared_ptr<peer_link> grpc_peer_network::dial(const std::string& address,
                                                   std::shared_ptr<peer_listener> listener) {
  env_->sweep();
  auto link = std::make_shared<dialed_link>(env_, address, std::move(listener));
  env_->add(link);
  link->start();
  return std::make_shared<handle>(std::move(link));
}

} // namespace nacre
