// The link between nodes on real sockets of loopback: frames arrive in order, strangers hear and
// say nothing, and everything has a bound.
#include <algorithm>
#include <atomic>
#include <thread>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "tests/kit/link_nodes.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

const std::string secret = "open sesame";
const std::string self = "127.0.0.1:1";

std::string frame_of(std::size_t size, std::size_t number) {
  std::string frame(size, static_cast<char>('a' + number % 26));
  for (std::size_t i = 0; i < size; i += 1'000)
    frame[i] = static_cast<char>(number + i / 1'000);
  return frame;
}

/// A network and one link of it.
struct dialing_node {
  explicit dialing_node(const std::string& address, const cluster_options& opts = cluster_of(),
                        const link_limits& limits = {})
    : network(std::make_unique<grpc_peer_network>(threads, opts, self, limits)),
      link(network->dial(address, listener)) {}

  std::shared_ptr<recording_listener> listener = std::make_shared<recording_listener>();
  running_threads threads;
  std::unique_ptr<grpc_peer_network> network;
  std::shared_ptr<peer_link> link;
};

/// The link ended before it opened, and not because nobody listens.
void check_rejected(dialing_node& node, std::string_view why) {
  CHECK(node.listener->closed());
  auto events = node.listener->events.get();
  CHECK(events.opened == 0);
  CHECK(events.closed == 1);
  CHECK(!events.refused);
  CHECK_MESSAGE(events.why.find(why) != std::string::npos, events.why);
  CHECK(!node.link->send("x"));
}

void check_status(const grpc::Status& status, grpc::StatusCode code) {
  CHECK_MESSAGE(status.error_code() == code, status.error_code(), ' ', status.error_message());
}

/// Everything that is logged while it lives.
class log_capture {
public:
  log_capture() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>("capture", sink_);
    logger->set_level(spdlog::level::trace);
    spdlog::set_default_logger(logger);
  }
  ~log_capture() { spdlog::set_default_logger(before_); }

  /// Whether lines with `part` came to this number in time.
  bool wait(std::string_view part, std::size_t number) {
    return sink_->lines.wait([&](auto& x) { return count_of(x, part) == number; });
  }

  std::size_t count(std::string_view part) { return count_of(sink_->lines.get(), part); }

private:
  struct sink final : spdlog::sinks::base_sink<spdlog::details::null_mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
      std::string line(message.payload.data(), message.payload.size());
      lines.change([&](auto& x) { x.push_back(std::move(line)); });
    }
    void flush_() override {}

    watched<std::vector<std::string>> lines;
  };

  static std::size_t count_of(const std::vector<std::string>& lines, std::string_view part) {
    return static_cast<std::size_t>(std::count_if(
      lines.begin(), lines.end(), [&](auto& x) { return x.find(part) != std::string::npos; }));
  }

  std::shared_ptr<sink> sink_ = std::make_shared<sink>();
  std::shared_ptr<spdlog::logger> before_;
};

} // namespace

// -- frames --------------------------------------------------------------------------------------

TEST_CASE("two nodes exchange frames of all sizes in order") {
  const std::size_t sizes[] = {0,
                               1,
                               1'000,
                               part_bytes_max - 1,
                               part_bytes_max,
                               part_bytes_max + 1,
                               2 * part_bytes_max,
                               1'000'000,
                               frame_bytes_max,
                               7};
  accepting_node a, b;
  dialing_node to_a(a.address), to_b(b.address);
  for (auto* side : {&to_a, &to_b}) {
    REQUIRE(side->listener->opened());
    for (std::size_t i = 0; i < std::size(sizes); ++i)
      CHECK(side->link->send(frame_of(sizes[i], i)));
  }
  for (auto* side : {&a, &b}) {
    REQUIRE(side->has_received(std::size(sizes)));
    auto frames = side->received.get();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      CHECK(frames[i].first == self);
      CHECK((frames[i].second == frame_of(sizes[i], i)));
    }
  }
  for (auto* side : {&to_a, &to_b}) {
    side->link->close();
    CHECK(side->listener->closed());
    CHECK(!side->link->send("late"));
  }
}

TEST_CASE("thousands of small frames arrive as they were sent, as fast as they are taken") {
  accepting_node node;
  dialing_node dialer(node.address);
  REQUIRE(dialer.listener->opened());
  constexpr std::size_t count = 5'000;
  for (std::size_t i = 0; i < count; ++i)
    while (!dialer.link->send(std::to_string(i)))
      std::this_thread::yield();
  REQUIRE(node.has_received(count));
  auto frames = node.received.get();
  bool in_order = true;
  for (std::size_t i = 0; i < count; ++i)
    in_order = in_order && frames[i].second == std::to_string(i);
  CHECK(in_order);
}

TEST_CASE("a frame beyond 16 MiB is not sent, and a link that brings one ends") {
  accepting_node node;
  dialing_node dialer(node.address);
  REQUIRE(dialer.listener->opened());
  CHECK(!dialer.link->send(std::string(frame_bytes_max + 1, 'x')));
  CHECK(dialer.link->send("x"));
  CHECK(node.has_received(1));

  raw_dialer rogue(node.address);
  rogue.said.dialer = "127.0.0.1:2";
  REQUIRE(rogue.shake_hands());
  for (std::size_t sent = 0; sent <= frame_bytes_max; sent += part_bytes_max)
    rogue.say(link_message::part, std::string(part_bytes_max, 'x'));
  check_status(rogue.status(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(node.received.get().size() == 1);
}

TEST_CASE("a message larger than a part ends the stream, also before there is a proof") {
  accepting_node node;
  for (bool proved : {false, true}) {
    raw_dialer rogue(node.address);
    if (proved)
      REQUIRE(rogue.shake_hands());
    rogue.say(proved ? link_message::frame : link_message::hello, std::string(1'000'000, 'x'));
    check_status(rogue.status(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  CHECK(node.received.get().empty());
}

// -- proofs --------------------------------------------------------------------------------------

TEST_CASE("the secret is not on the wire, not even towards one who knows it") {
  raw_acceptor acceptor([&](const wire::Payload& hello) {
    auto nonce = make_nonce();
    auto challenge = make_link_message(link_message::challenge);
    set_header(challenge, link_header::nonce, nonce);
    set_header(challenge, link_header::proof,
               link_proof(link_role::acceptor, {"cluster-header", secret},
                          {header(hello, link_header::from), header(hello, link_header::to),
                           header(hello, link_header::nonce), nonce}));
    return challenge;
  });
  dialing_node dialer(acceptor.address);
  REQUIRE(acceptor.heard.wait([](auto& x) { return x.size() == 2; }));
  CHECK(!dialer.link->send("before the welcome"));
  dialer.link->close();
  CHECK(dialer.listener->closed());
  CHECK(dialer.listener->events.get().opened == 0);
  auto heard = acceptor.heard.get();
  REQUIRE(heard.size() == 2);
  CHECK(type_of(heard[0]) == link_message::hello);
  CHECK(type_of(heard[1]) == link_message::proof);
  for (auto& x : heard)
    for (auto& word : {secret, std::string("cluster-header")})
      CHECK(x.SerializeAsString().find(word) == std::string::npos);
}

TEST_CASE("an acceptor that can't prove itself hears a hello and nothing else") {
  auto challenge = [](const wire::Payload& hello, const std::string& with, link_role role) {
    auto nonce = make_nonce();
    auto message = make_link_message(link_message::challenge);
    set_header(message, link_header::nonce, nonce);
    set_header(message, link_header::proof,
               link_proof(role, {"cluster-header", with},
                          {header(hello, link_header::from), header(hello, link_header::to),
                           header(hello, link_header::nonce), nonce}));
    return message;
  };
  const std::pair<const char*, raw_acceptor::answerer> rogues[] = {
    {"prove", [&](auto& hello) { return challenge(hello, "guessed", link_role::acceptor); }},
    // A proof that a dialer would give is none.
    {"prove", [&](auto& hello) { return challenge(hello, secret, link_role::dialer); }},
    {"prove", [](auto&) { return make_link_message(link_message::challenge); }},
    {"turn", [](auto&) { return make_link_message(link_message::welcome); }},
    {"turn", [](auto& hello) { return hello; }},
    {"turn", [](auto&) { return make_link_message("ConnectResetRequest"); }},
  };
  for (auto& [why, answer] : rogues) {
    raw_acceptor rogue(answer);
    dialing_node dialer(rogue.address);
    check_rejected(dialer, why);
    CHECK(rogue.ended.wait([](int x) { return x == 1; }));
    CHECK(rogue.heard.get().size() == 1);
  }
}

TEST_CASE("a dialer that can't prove itself is told so, and nothing of it is received") {
  accepting_node node;
  {
    raw_dialer rogue(node.address);
    CHECK(!rogue.shake_hands("guessed"));
    check_status(rogue.status(), grpc::StatusCode::UNAUTHENTICATED);
  }
  {
    raw_dialer rogue(node.address);
    rogue.say(rogue.hello());
    auto echo = make_link_message(link_message::proof); // the acceptor's own proof
    set_header(echo, link_header::proof, header(rogue.next(), link_header::proof));
    rogue.say(echo);
    check_status(rogue.status(), grpc::StatusCode::UNAUTHENTICATED);
  }
  for (auto type : {link_message::frame, link_message::part, link_message::proof,
                    link_message::welcome, std::string_view("ConnectionSetupRequest")})
    for (bool greeted : {false, true}) {
      if (greeted && type == link_message::proof)
        continue;
      raw_dialer rogue(node.address);
      if (greeted) {
        rogue.say(rogue.hello());
        CHECK(type_of(rogue.next()) == link_message::challenge);
      }
      rogue.say(type, "x");
      check_status(rogue.status(), grpc::StatusCode::INVALID_ARGUMENT);
    }
  dialing_node stranger(node.address, cluster_of("guessed"));
  check_rejected(stranger, "prove");
  CHECK(node.received.get().empty());
}

TEST_CASE("a proof can't be used a second time") {
  accepting_node node;
  raw_dialer first(node.address);
  REQUIRE(first.shake_hands());
  raw_dialer service_asks_rows(node.address);
  service_asks_rows.say(first.hello());
  CHECK(type_of(service_asks_rows.next()) == link_message::challenge);
  auto proof = make_link_message(link_message::proof);
  set_header(proof, link_header::proof,
             link_proof(link_role::dialer, {"cluster-header", secret}, first.said));
  service_asks_rows.say(proof);
  check_status(service_asks_rows.status(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_CASE("who is no member is refused, and who is none any more loses its link") {
  accepting_node node;
  std::atomic<bool> is_member{false};
  node.knows = [&](auto& from) { return from == self && is_member; };
  node.receives = [&](auto&, auto&) { return is_member.load(); };
  dialing_node early(node.address);
  check_rejected(early, "not a member");
  {
    raw_dialer rogue(node.address);
    rogue.say(rogue.hello());
    check_status(rogue.status(), grpc::StatusCode::PERMISSION_DENIED);
  }
  is_member = true;
  dialing_node dialer(node.address);
  REQUIRE(dialer.listener->opened());
  CHECK(dialer.link->send("1"));
  REQUIRE(node.has_received(1));
  is_member = false;
  CHECK(dialer.link->send("2"));
  CHECK(dialer.listener->closed());
  CHECK(dialer.listener->events.get().why == "not a member of this cluster");
}

TEST_CASE("another version, another node and a bad nonce are refused") {
  accepting_node node;
  const std::pair<const char*, std::string> changes[] = {
    {link_header::version, "2"},
    {link_header::version, ""},
    {link_header::to, "1.2.3.4:5"},
    {link_header::nonce, "1234"},
    {link_header::nonce, std::string(64, 'x')},
  };
  for (auto& [key, value] : changes) {
    raw_dialer rogue(node.address);
    auto hello = rogue.hello();
    set_header(hello, key, value);
    rogue.say(hello);
    check_status(rogue.status(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  // By a name that the node does not know itself.
  dialing_node dialer("[::ffff:127.0.0.1]" + node.address.substr(node.address.find(':')));
  check_rejected(dialer, "another node was dialed");
}

TEST_CASE("refusals are logged once, and never the secret") {
  log_capture log;
  {
    accepting_node node;
    for (int i = 0; i < 20; ++i) {
      raw_dialer rogue(node.address);
      CHECK(!rogue.shake_hands("guessed"));
      check_status(rogue.status(), grpc::StatusCode::UNAUTHENTICATED);
    }
    dialing_node dialer(node.address);
    CHECK(dialer.listener->opened());
  }
  CHECK(log.count("link-refused from 127.0.0.1 as \"127.0.0.1:1\": a wrong proof") == 1);
  CHECK(log.count("link-accepted of 127.0.0.1:1") == 1);
  CHECK(log.count(secret) == 0);
  CHECK(log.count("guessed") == 0);
}

TEST_CASE("a unary request to the port of nodes gets a typed error") {
  accepting_node node;
  raw_dialer client(node.address);
  for (auto type : {"ServerCheckRequest", "InstanceRequest", "HealthCheckRequest", ""}) {
    grpc::ClientContext context;
    wire::Payload in, out;
    fill_payload(in, type, "{}");
    CHECK(client.requests->request(&context, in, &out).ok());
    CHECK(type_of(out) == "ErrorResponse");
    CHECK(body_of(out).find("\"errorCode\":302") != std::string::npos);
  }
}

// -- ends ----------------------------------------------------------------------------------------

TEST_CASE("where nobody listens the link is refused at once") {
  dialing_node dialer(main_address(free_port()));
  CHECK(dialer.listener->closed());
  auto events = dialer.listener->events.get();
  CHECK_MESSAGE(events.refused, events.why);
  CHECK(events.opened == 0);
  CHECK(events.closed == 1);
}

TEST_CASE("an address that leads nowhere ends the link as well") {
  for (auto address : {"", "x", "127.0.0.1", "127.0.0.1:64535", "127.0.0.1:99999", "127.0.0.1:0",
                       "127.0.0.1:-2000", ":", "[::1:80"}) {
    CAPTURE(std::string(address));
    dialing_node dialer(address);
    check_rejected(dialer, address[0] == '[' ? "[::1:1081" : "without a port");
  }
}

TEST_CASE("an acceptor that stops in the middle closes the link, and the next dial is refused") {
  auto node = std::make_unique<accepting_node>();
  dialing_node dialer(node->address);
  REQUIRE(dialer.listener->opened());
  CHECK(dialer.link->send("1"));
  REQUIRE(node->has_received(1));
  auto address = node->address;
  node.reset();
  CHECK(dialer.listener->closed());
  CHECK(!dialer.listener->events.get().refused);
  CHECK(!dialer.link->send("2"));
  auto again = std::make_shared<recording_listener>();
  auto link = dialer.network->dial(address, again);
  CHECK(again->closed());
  CHECK(again->events.get().refused);
}

TEST_CASE("a newer link of a node takes the place of the older one") {
  accepting_node node;
  dialing_node older(node.address);
  REQUIRE(older.listener->opened());
  dialing_node newer(node.address);
  REQUIRE(newer.listener->opened());
  CHECK(older.listener->closed());
  CHECK(older.listener->events.get().why == "a newer link of the same node is here");
  CHECK(newer.link->send("x"));
  CHECK(node.has_received(1));
  CHECK(newer.listener->events.get().closed == 0);
}

TEST_CASE("an acceptor that says nothing is given up, whether it speaks HTTP/2 or not") {
  link_limits limits;
  limits.handshake_patience = 300ms;
  limits.connect_patience = 2'000ms;
  silent_listener deaf;
  raw_acceptor mute([](auto&) { return wire::Payload(); });
  for (auto& address : {main_address(deaf.port), mute.address}) {
    dialing_node dialer(address, cluster_of(), limits);
    check_rejected(dialer, "no link within 300 ms");
  }
  limits.handshake_patience = 10'000ms;
  limits.connect_patience = 300ms;
  dialing_node dialer(main_address(deaf.port), cluster_of(), limits);
  check_rejected(dialer, "");
}

TEST_CASE("a dialer that says nothing is given up, and so is one that stops half-way") {
  link_limits limits;
  limits.handshake_patience = 500ms;
  accepting_node node(cluster_of(), limits);
  raw_dialer silent(node.address);
  check_status(silent.status(), grpc::StatusCode::DEADLINE_EXCEEDED);
  raw_dialer half(node.address);
  half.say(half.hello());
  check_status(half.status(), grpc::StatusCode::DEADLINE_EXCEEDED);
  dialing_node dialer(node.address);
  REQUIRE(dialer.listener->opened());
  CHECK(!dialer.listener->events.wait([](auto& x) { return x.closed > 0; }, 700ms));
}

// -- bounds --------------------------------------------------------------------------------------

TEST_CASE("links without a proof are bounded, in all and from one address") {
  for (bool in_all : {true, false}) {
    link_limits limits;
    (in_all ? limits.unproved_max : limits.unproved_per_ip_max) = 5;
    limits.handshake_patience = 60'000ms;
    accepting_node node(cluster_of(), limits);
    auto stranger = [&] { return std::make_unique<raw_dialer>(node.address); };
    std::vector<std::unique_ptr<raw_dialer>> flood;
    for (int i = 0; i < 5; ++i) {
      flood.push_back(stranger());
      flood.back()->say(flood.back()->hello());
      CHECK(type_of(flood.back()->next()) == link_message::challenge);
    }
    for (int i = 0; i < 30; ++i)
      check_status(stranger()->status(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    dialing_node shut_out(node.address);
    check_rejected(shut_out, "too many links");
    flood.pop_back(); // its end arrives some time later
    bool opened = false;
    for (int attempts = 0; attempts < 1'000 && !opened; ++attempts)
      opened = dialing_node(node.address).listener->opened();
    CHECK(opened);
  }
}

TEST_CASE("links that proved themselves are not counted with those that did not") {
  link_limits limits;
  limits.unproved_per_ip_max = 1;
  accepting_node node(cluster_of(), limits);
  std::vector<std::unique_ptr<raw_dialer>> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(std::make_unique<raw_dialer>(node.address));
    peers.back()->said.dialer = "10.0.0.1:" + std::to_string(i);
    CHECK(peers.back()->shake_hands());
  }
}

namespace {

/// An HTTP/2 frame.
std::string http2_frame(char kind, char flags, char stream, const std::string& payload) {
  auto size = payload.size();
  std::string head{static_cast<char>(size >> 16),
                   static_cast<char>(size >> 8),
                   static_cast<char>(size),
                   kind,
                   flags,
                   0,
                   0,
                   0,
                   stream};
  return head + payload;
}

/// What a dialer sends that takes nothing: its windows are 0.
std::string hello_without_window(const wire::Payload& hello) {
  auto text = [](const std::string& x) { return static_cast<char>(x.size()) + x; };
  auto header = [&](const std::string& name, const std::string& value) {
    return '\0' + text(name) + text(value);
  };
  auto message = hello.SerializeAsString();
  std::string size{0, 0, 0, static_cast<char>(message.size() >> 8),
                   static_cast<char>(message.size())};
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0, 0, std::string("\0\4\0\0\0\0", 6))
         + http2_frame(1, 4, 1,
                       "\x83\x86\x04" + text("/BiRequestStream/requestBiStream") + "\x01"
                         + text("localhost") + header("content-type", "application/grpc")
                         + header("te", "trailers"))
         + http2_frame(0, 0, 1, size + message);
}

} // namespace

TEST_CASE("a dialer that does not read why it was ended keeps no place") {
  log_capture log;
  link_limits limits;
  limits.handshake_patience = 300ms;
  limits.unproved_max = 1;
  accepting_node node(cluster_of(), limits);
  tcp_client rogue(node.server->port());
  raw_dialer anybody(node.address);
  rogue.send(hello_without_window(anybody.hello()));
  CHECK(log.wait("no proof in time", 1));
  bool opened = false;
  auto patience = std::chrono::steady_clock::now() + 20s;
  while (!opened && std::chrono::steady_clock::now() < patience)
    opened = dialing_node(node.address).listener->opened();
  CHECK(opened);
}

namespace {

/// Sends until nothing more is taken for a while: then all is full that grpc++ and sockets hold.
std::size_t fill(peer_link& link, const std::string& frame) {
  std::size_t sent = 0;
  auto full_since = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - full_since < 300ms && sent < 100'000)
    if (link.send(frame)) {
      ++sent;
      full_since = std::chrono::steady_clock::now();
    } else {
      std::this_thread::yield();
    }
  return sent;
}

} // namespace

TEST_CASE("a reader that stands still holds up its own link, within bounds") {
  struct bound {
    std::size_t frame, frames_max, bytes_max;
  };
  for (auto [size, frames_max, bytes_max] :
       {bound{256 * 1024, 1'000, 4 * 1024 * 1024}, bound{1024, 64, 32 * 1024 * 1024}}) {
    CAPTURE(size);
    watched<bool> go;
    accepting_node node;
    node.receives = [&](auto&, auto&) { return go.wait([](bool x) { return x; }); };
    link_limits limits;
    limits.waiting_frames_max = frames_max;
    limits.waiting_bytes_max = bytes_max;
    dialing_node dialer(node.address, cluster_of(), limits);
    REQUIRE(dialer.listener->opened());
    auto sent = fill(*dialer.link, std::string(size, 'x'));
    CHECK(sent >= std::min(frames_max, bytes_max / size));
    CHECK(sent * size < 40 * 1024 * 1024);                  // windows and sockets hold some of it
    dialing_node other(node.address, cluster_of(), limits); // others are not held up
    go.change([](bool& x) { x = true; });
    CHECK(other.listener->opened());
  }
}

TEST_CASE("a link goes on where it stood when its reader reads again") {
  watched<bool> go;
  accepting_node node;
  node.receives = [&](auto&, auto&) { return go.wait([](bool x) { return x; }); };
  dialing_node dialer(node.address);
  REQUIRE(dialer.listener->opened());
  auto sent = fill(*dialer.link, std::string(1024 * 1024, 'x'));
  go.change([](bool& x) { x = true; });
  REQUIRE(node.has_received(sent));
  CHECK(dialer.link->send("and on it goes"));
  REQUIRE(node.has_received(sent + 1));
  CHECK(node.received.get().back().second == "and on it goes");
}

TEST_CASE("both ends notice a peer that fell silent without closing its connection") {
  log_capture log;
  link_limits limits;
  limits.keepalive_time = 300ms;
  limits.keepalive_timeout = 300ms;
  stalling_proxy cable;
  accepting_node node(cluster_of(), limits, main_address(cable.port()));
  cable.forward_to(node.server->port());
  dialing_node dialer(node.address, cluster_of(), limits);
  REQUIRE(dialer.listener->opened());
  CHECK(!dialer.listener->events.wait([](auto& x) { return x.closed > 0; }, 1'000ms));
  CHECK(log.count("link-ended") == 0);
  cable.stall();
  CHECK(dialer.listener->closed());
  CHECK(!dialer.listener->events.get().refused);
  CHECK(log.wait("link-ended of 127.0.0.1:1", 1));
}

// -- TLS -----------------------------------------------------------------------------------------

TEST_CASE("nodes speak TLS when told to, and to nobody with another certificate") {
  certificate_files ours("ours"), others("others");
  for (bool client_auth : {false, true}) {
    CAPTURE(client_auth);
    accepting_node node(ours.cluster(client_auth));
    dialing_node dialer(node.address, ours.cluster(client_auth));
    CHECK_MESSAGE(dialer.listener->opened(), dialer.listener->events.get().why);
    CHECK(dialer.link->send("x"));
    CHECK(node.has_received(1));
    dialing_node distrustful(node.address, others.cluster(client_auth));
    check_rejected(distrustful, "");
    dialing_node plain(node.address);
    check_rejected(plain, "");
    auto nameless = ours.cluster(false);
    nameless.tls_certificate_file = nameless.tls_key_file = "";
    dialing_node without(node.address, nameless);
    if (client_auth)
      check_rejected(without, "");
    else
      CHECK(without.listener->opened());
  }
  auto missing = ours.cluster(false);
  missing.tls_trust_file = "no/such/file.pem";
  running_threads io;
  CHECK_THROWS_AS(grpc_peer_network(io, missing, self), std::runtime_error);
  missing.tls_key_file = "";
  CHECK_THROWS_AS(accepting_node{missing}, std::runtime_error);
}

// -- closing -------------------------------------------------------------------------------------

TEST_CASE("links may be closed by any thread at any time") {
  accepting_node node;
  running_threads io;
  grpc_peer_network network(io, cluster_of(), self);
  for (int round = 0; round < 60; ++round) {
    auto listener = std::make_shared<recording_listener>();
    auto link = network.dial(node.address, listener);
    if (round % 3 == 0)
      listener->opened();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        for (int k = 0; k < 20 * i; ++k)
          link->send(std::string(10'000, 'x'));
        link->close();
      });
    for (auto& x : threads)
      x.join();
    CHECK(listener->closed());
    link.reset();
    CHECK(listener->events.get().closed == 1);
  }
}

TEST_CASE("a link that nobody holds ends, and its listener with it") {
  accepting_node node;
  running_threads io;
  grpc_peer_network network(io, cluster_of(), self);
  auto listener = std::make_shared<recording_listener>();
  auto link = network.dial(node.address, listener);
  CHECK(listener->opened());
  link.reset();
  CHECK(listener->closed());
}

TEST_CASE("a network that goes ends its links, open or not, and may go before their handles") {
  accepting_node node;
  silent_listener deaf;
  std::vector<std::shared_ptr<peer_link>> links;
  std::vector<std::shared_ptr<recording_listener>> listeners;
  {
    running_threads io;
    grpc_peer_network network(io, cluster_of(), self);
    for (auto& address : {node.address, node.address, main_address(deaf.port),
                          main_address(free_port()), std::string("x")}) {
      listeners.push_back(std::make_shared<recording_listener>());
      links.push_back(network.dial(address, listeners.back()));
    }
    listeners[1]->opened();
  }
  for (auto& x : listeners) {
    CHECK(x->events.get().closed == 1);
    CHECK(x.use_count() == 1);
  }
  for (auto& x : links) {
    CHECK(!x->send("x"));
    x->close();
  }
}
