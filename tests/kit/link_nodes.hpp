#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <grpcpp/grpcpp.h>

#include "grpc/link/cluster_server.hpp"
#include "grpc/link/grpc_peer_network.hpp"
#include "grpc/services.grpc.pb.h"

/// Both ends of the cluster link, and ends that do not keep to its rules.
namespace nacre::test {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

/// A socket that listens on a free port of loopback, and answers nobody.
class silent_listener {
public:
  silent_listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket_, name, size) != 0 || listen(socket_, 16) != 0
        || getsockname(socket_, name, &size) != 0)
      throw std::runtime_error("no port on loopback");
    port = ntohs(address.sin_port);
  }
  ~silent_listener() { ::close(socket_); }
  silent_listener(const silent_listener&) = delete;
  silent_listener& operator=(const silent_listener&) = delete;

  int accept() const { return ::accept(socket_, nullptr, nullptr); }

  std::uint16_t port = 0;

private:
  const int socket_;
};

/// The main port of a node whose cluster port is `port`.
inline std::string main_address(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port - cluster_port_offset);
}

/// A port that was free a moment ago.
inline std::uint16_t free_port() { return silent_listener().port; }

/// Values that threads change and a test waits for.
template <class T>
class watched {
public:
  template <class F>
  void change(F f) {
    std::lock_guard guard(lock_);
    f(value_);
    changed_.notify_all();
  }

  /// Whether `holds` became true of the value in time.
  template <class F>
  bool wait(F holds, std::chrono::milliseconds limit = patience) {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, limit, [&] { return holds(value_); });
  }

  T get() {
    std::lock_guard guard(lock_);
    return value_;
  }

private:
  std::mutex lock_;
  std::condition_variable changed_;
  T value_{};
};

struct link_events {
  int opened = 0;
  int closed = 0;
  bool refused = false;
  std::string why;
};

class recording_listener final : public peer_listener {
public:
  void on_open() override {
    events.change([](auto& x) { ++x.opened; });
  }
  void on_closed(bool refused, const std::string& why) override {
    events.change([&](auto& x) {
      ++x.closed;
      x.refused = refused;
      x.why = why;
    });
  }

  bool opened() {
    return events.wait([](auto& x) { return x.opened > 0 || x.closed > 0; })
           && events.get().opened > 0;
  }
  bool closed() {
    return events.wait([](auto& x) { return x.closed > 0; });
  }

  watched<link_events> events;
};

inline cluster_options cluster_of(const std::string& secret = "open sesame") {
  cluster_options opts;
  opts.identity_key = "cluster-header";
  opts.identity_value = secret;
  return opts;
}

/// I/O threads of a node, at work.
struct running_threads : io_threads {
  running_threads() : io_threads(2) { start(); }
};

/// The acceptor of a node.
class accepting_node {
public:
  using frames = std::vector<std::pair<std::string, std::string>>;

  /// @param known_as its address, unless that follows from its port
  explicit accepting_node(const cluster_options& opts = cluster_of(), link_limits limits = {},
                          const std::string& known_as = {}) {
    for (int attempts_left = 10; !server; --attempts_left) {
      auto port = free_port();
      address = known_as.empty() ? main_address(port) : known_as;
      try {
        server = std::make_unique<cluster_server>(
          threads, opts, address, "127.0.0.1", port,
          [this](const std::string& from) { return knows ? knows(from) : true; },
          [this](const std::string& from, std::string frame) {
            bool taken = receives ? receives(from, frame) : true;
            received.change([&](auto& x) { x.emplace_back(from, std::move(frame)); });
            return taken;
          },
          limits);
      } catch (const std::runtime_error&) {
        if (attempts_left == 0)
          throw;
      }
    }
  }

  bool has_received(std::size_t count) {
    return received.wait([&](auto& x) { return x.size() >= count; });
  }

  std::string address;
  /// Set before anybody dials.
  std::function<bool(const std::string&)> knows;
  std::function<bool(const std::string&, const std::string&)> receives;
  watched<frames> received;
  running_threads threads;
  std::unique_ptr<cluster_server> server;
};

/// A dialer that says what a test wants, and waits for every answer.
class raw_dialer {
public:
  explicit raw_dialer(const std::string& acceptor) : acceptor(acceptor) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto colon = acceptor.find(':');
    auto port = std::stoi(acceptor.substr(colon + 1)) + cluster_port_offset;
    auto channel = grpc::CreateCustomChannel(acceptor.substr(0, colon + 1) + std::to_string(port),
                                             grpc::InsecureChannelCredentials(), arguments);
    requests = Request::NewStub(channel);
    stub_ = BiRequestStream::NewStub(channel);
    context_.set_deadline(std::chrono::system_clock::now() + patience);
    stream_ = stub_->requestBiStream(&context_);
  }

  ~raw_dialer() {
    context_.TryCancel();
    if (stream_)
      stream_->Finish();
  }

  bool say(const wire::Payload& message) { return stream_->Write(message); }

  bool say(std::string_view type, std::string body) {
    wire::Payload message;
    fill_payload(message, type, std::move(body));
    return say(message);
  }

  wire::Payload hello() const {
    auto message = make_link_message(link_message::hello);
    set_header(message, link_header::version, "1");
    set_header(message, link_header::from, said.dialer);
    set_header(message, link_header::to, acceptor);
    set_header(message, link_header::nonce, said.dialer_nonce);
    return message;
  }

  /// The type of the next message is empty if the stream has ended.
  wire::Payload next() {
    wire::Payload message;
    stream_->Read(&message);
    return message;
  }

  /// Says hello and proves, with this secret, what the acceptor asks for.
  bool shake_hands(const std::string& secret = "open sesame") {
    said.acceptor = acceptor;
    say(hello());
    auto challenge = next();
    said.acceptor_nonce = header(challenge, link_header::nonce);
    auto proof = make_link_message(link_message::proof);
    set_header(proof, link_header::proof,
               link_proof(link_role::dialer, {"cluster-header", secret}, said));
    say(proof);
    return type_of(next()) == link_message::welcome;
  }

  /// What the acceptor ends the stream with.
  grpc::Status status() {
    for (wire::Payload rest; stream_->Read(&rest);) {
    }
    auto result = stream_->Finish();
    stream_.reset();
    return result;
  }

  const std::string acceptor;
  link_handshake said{"127.0.0.1:1", {}, make_nonce(), {}};
  std::unique_ptr<Request::Stub> requests;

private:
  std::unique_ptr<BiRequestStream::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<wire::Payload, wire::Payload>> stream_;
};

/// An acceptor that answers a hello as a test wants, and remembers all it hears.
class raw_acceptor final : public BiRequestStream::Service {
public:
  /// Makes the answer to a hello; an empty type for none.
  using answerer = std::function<wire::Payload(const wire::Payload& hello)>;

  explicit raw_acceptor(answerer answer) : answer_(std::move(answer)) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address = main_address(static_cast<std::uint16_t>(port));
  }

  ~raw_acceptor() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status
  requestBiStream(grpc::ServerContext*,
                  grpc::ServerReaderWriter<wire::Payload, wire::Payload>* stream) override {
    wire::Payload message;
    while (stream->Read(&message)) {
      heard.change([&](auto& x) { x.push_back(message); });
      if (type_of(message) == link_message::hello)
        if (auto reply = answer_(message); !type_of(reply).empty())
          stream->Write(reply);
    }
    ended.change([](auto& x) { ++x; });
    return grpc::Status::OK;
  }

  std::string address;
  watched<std::vector<wire::Payload>> heard;
  watched<int> ended;

private:
  const answerer answer_;
  std::unique_ptr<grpc::Server> server_;
};

/// A connection to a port of loopback.
class tcp_client {
public:
  explicit tcp_client(std::uint16_t port) : handle(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected = connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~tcp_client() { ::close(handle); }
  tcp_client(const tcp_client&) = delete;
  tcp_client& operator=(const tcp_client&) = delete;

  bool send(std::string_view bytes) const {
    return ::send(handle, bytes.data(), bytes.size(), MSG_NOSIGNAL)
           == static_cast<ssize_t>(bytes.size());
  }

  const int handle;
  bool connected = false;
};

/// A line that can be cut so that neither end is told.
class stalling_proxy {
public:
  ~stalling_proxy() {
    stops_ = true;
    if (thread_.joinable())
      thread_.join();
  }

  std::uint16_t port() const { return listener_.port; }

  void forward_to(std::uint16_t port) {
    thread_ = std::thread([this, port] { run(port); });
  }

  void stall() { stalled_ = true; }

private:
  void run(std::uint16_t port) const {
    auto client = listener_.accept();
    tcp_client server(port);
    bool open = server.connected;
    while (!stops_) {
      pollfd ends[] = {{client, POLLIN, 0}, {server.handle, POLLIN, 0}};
      bool silent = stalled_ || !open;
      poll(ends, silent ? 0 : 2, 20);
      open = open && (silent || (forward(ends[0], server.handle) && forward(ends[1], client)));
    }
    ::close(client);
  }

  /// @returns false once one of them is closed
  static bool forward(const pollfd& from, int to) {
    char bytes[64 * 1024];
    if (!(from.revents & (POLLIN | POLLHUP | POLLERR)))
      return true;
    auto size = ::recv(from.fd, bytes, sizeof bytes, 0);
    return size > 0 && ::send(to, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
  }

  silent_listener listener_;
  std::atomic<bool> stalled_{false};
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

/// A key and a certificate of its own, which is valid for loopback, in files.
class certificate_files {
public:
  explicit certificate_files(const std::string& name)
    : directory_(std::filesystem::temp_directory_path()
                 / ("nacre-tls-" + name + '-' + std::to_string(getpid()))) {
    std::filesystem::create_directories(directory_);
    auto* key = EVP_EC_gen("P-256");
    auto* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    auto* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    for (auto [kind, value] : {std::pair{NID_subject_alt_name, "IP:127.0.0.1"},
                               std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
      auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
      X509_add_ext(certificate, extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(certificate, key, EVP_sha256());
    write("certificate.pem", [&](FILE* file) { PEM_write_X509(file, certificate); });
    write("key.pem", [&](FILE* file) {
      PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  ~certificate_files() { std::filesystem::remove_all(directory_); }

  /// Trusts itself only.
  cluster_options cluster(bool client_auth) const {
    auto opts = cluster_of();
    opts.tls_enabled = true;
    opts.tls_client_auth = client_auth;
    opts.tls_key_file = directory_ / "key.pem";
    opts.tls_certificate_file = opts.tls_trust_file = directory_ / "certificate.pem";
    return opts;
  }

private:
  template <class F>
  void write(const char* name, F print) const {
    auto* file = std::fopen((directory_ / name).c_str(), "w");
    if (!file)
      throw std::runtime_error("can't write a certificate");
    print(file);
    std::fclose(file);
  }

  const std::filesystem::path directory_;
};

} // namespace nacre::test
