#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

/// Everything that can be set about a node: meaning, unit, default and effect of each value.
/// Plain data, read-only once the node runs; filled by `load_options` (load_options.hpp).
namespace nacre {

using std::chrono::milliseconds;

enum class node_mode : std::uint8_t {
  /// One node is the whole registry.
  standalone,
  /// Several nodes replicate to each other.
  cluster,
};

/// The HTTP listener. Bounds here are what a hostile client meets first.
struct http_options {
  /// Address to listen on, also by gRPC and UDP; empty: all, of both families (IPv4 alone where
  /// the machine has no IPv6); `nacre.http.address`.
  std::string address;
  /// Main port; `server.port`. The SDK gRPC port is this + 1000, the cluster port this + 1001.
  std::uint16_t port = 8848;
  /// Path before every API path; `server.servlet.contextPath`.
  std::string context_path = "/nacos";
  /// Threads that read and write sockets; 0 = one per core the process may run on.
  std::size_t io_threads = 0;
  /// Open connections, fewer if the process may not have so many descriptors; one more ends the
  /// longest idle one, or is closed if none is idle.
  std::size_t connections_max = 20'000;
  /// And of one address; one more gets a bare 503. `nacre.http.connections-per-address-max`
  std::size_t connections_per_address_max = 10'000;
  /// Request line and headers together; more gets 431 and the connection closed.
  std::size_t header_bytes_max = 8 * 1024;
  /// Request body; more gets 413 and the connection closed.
  std::size_t body_bytes_max = 2 * 1024 * 1024;
  /// A whole request has to arrive within this time, counted from the end of the last answer: it
  /// bounds idle keep-alive and a client that trickles its bytes alike.
  milliseconds read_timeout{60'000};
  /// A whole answer has to be taken by the client within this time.
  milliseconds write_timeout{30'000};
};

/// Leases of ip:port clients.
struct liveness_options {
  /// Whether an instance whose beats stopped is removed; `nacos.naming.expireInstance`.
  bool expire_instance = true;
  /// A pure UDP subscriber that asked for no list for this long is forgotten.
  milliseconds subscriber_timeout{30'000};
};

/// Pushes to subscribers.
struct push_options {
  /// Changes of one service within this time after its last push merge into one more push;
  /// `nacos.naming.push.pushTaskDelay`. The first change of a quiet service is pushed at once.
  milliseconds merge_window{500};
  /// For this long after the start clients are still registering again: that a service has no
  /// instance yet is not told to subscribers unasked, and an answer that says so waits a while.
  milliseconds warm_up{5'000};
  /// A datagram that was not acknowledged for this long is sent again.
  milliseconds udp_ack_timeout{10'000};
  /// How often an unacknowledged datagram is sent again before it counts as failed.
  unsigned udp_retransmits = 1;
  /// Datagrams that wait for their ack; beyond this the oldest ones count as failed.
  std::size_t udp_pending_max = 100'000;
  /// An address that a query named, and that acknowledged nothing yet, gets a datagram in this
  /// interval, ...
  milliseconds udp_unproved_interval{10'000};
  /// ... so many in all, ...
  unsigned udp_unproved_max = 3;
  /// ... and none longer than this; a list that is longer waits until a short one was acknowledged.
  std::size_t udp_unproved_bytes_max = 1'200;
  /// Whether only the address that asks is pushed to, whatever `clientIP` says.
  bool udp_caller_only = false;
};

/// Connections of gRPC clients.
struct connection_options {
  /// Connections in all; one more is refused.
  std::size_t connections_max = 50'000;
  /// Connections from one address.
  std::size_t connections_per_ip_max = 20'000;
  /// A client silent for this long is asked whether it is there
  /// (Nacos `RuntimeConnectionEjector`).
  milliseconds detect_after{20'000};
  /// It has to answer within this time, or its connection ends.
  milliseconds detect_timeout{5'000};
  /// A push has to be acknowledged within this time; `nacos.naming.push.pushTaskTimeout`
  milliseconds push_ack_timeout{5'000};
  /// First wait before a push is sent again, doubling; `nacos.naming.push.pushTaskRetryDelay`
  milliseconds push_retry_delay{1'000};
  /// How long a request may wait for its connection's setup.
  milliseconds setup_patience{500};
  /// `nacos.remote.server.grpc.sdk.max-inbound-message-size`, bytes
  std::size_t message_bytes_max = 10 * 1024 * 1024;
  /// HTTP/2 ping after this time without traffic; `nacos.remote.server.grpc.sdk.keep-alive-time`
  milliseconds keepalive_time{7'200'000};
  /// `nacos.remote.server.grpc.sdk.keep-alive-timeout`
  milliseconds keepalive_timeout{20'000};
  /// `nacos.remote.server.rpc.tls.enableTls`
  bool tls_enabled = false;
  /// Whether clients have to show a certificate; `nacos.remote.server.rpc.tls.mutualAuthEnable`
  bool tls_client_auth = false;
  /// Whether those who speak no TLS are served as well; `…compatibility`
  bool tls_compatibility = false;
  /// PEM files; `nacos.remote.server.rpc.tls.` + `certChainFile`, `certPrivateKey`,
  /// `trustCollectionCertFile`
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_trust_file;
};

/// Health checks of persistent instances.
struct health_options {
  /// Networks that are never probed, `10.0.0.0/8, fd00::/8`; beside them link-local and multicast
  /// addresses, those that clouds serve metadata at, this cluster's own ports, and in a cluster
  /// loopback; `nacre.health.denied-networks`
  std::string denied_networks;
  /// Networks that are, whatever is denied; `nacre.health.allowed-networks`
  std::string allowed_networks;
  /// Whether a host name in place of an address is looked up, once, when the instance is first to
  /// be probed; else it is not probed; `nacre.health.resolve-names`
  bool resolve_names = false;
  /// Sockets of probes at once, fewer if the process may not have so many descriptors;
  /// `nacre.health.probes-max`
  std::size_t probes_max = 1024;
  /// A node that finds more than this share of its targets dead at once, or of the clients that
  /// beat silent, in percent, and at least so many, suspects itself and keeps them for a while;
  /// 100: never; `nacre.health.suspicious-percent`
  unsigned suspicious_percent = 80;
  std::size_t suspicious_targets_min = 20;
};

/// When things nobody uses go away.
struct cleaning_options {
  /// A service without publishers goes after this time;
  /// `nacos.naming.clean.empty-service.expired-time`
  milliseconds empty_service_expired{60'000};
  /// `nacos.naming.clean.expired-metadata.interval`
  milliseconds expired_metadata_interval{5'000};
  /// An override of an instance outlives the instance by this time;
  /// `nacos.naming.clean.expired-metadata.expired-time`
  milliseconds expired_metadata_expired{60'000};
};

/// Upper bounds of what a node holds. At a bound a write gets a clear error, never silence.
struct limit_options {
  /// Characters of all keys and values of one metadata map; `nacos.naming.service.metadata.length`
  std::size_t metadata_chars_max = 1024;
  /// Bytes of memory of the process; more, and nothing new is taken. 0: three quarters of what it
  /// may use; `nacre.limits.memory-bytes`
  std::size_t memory_bytes_max = 0;
  /// Services of this node, all namespaces together; `nacre.limits.services`
  std::size_t services_max = 500'000;
  /// Instances of this node; `nacre.limits.instances`
  std::size_t instances_max = 2'000'000;
  /// Namespaces with a record of their own; `nacre.limits.namespaces`
  std::size_t namespaces_max = 10'000;
  /// Bytes of what operators store about one service: settings, clusters, overrides of instances;
  /// `nacre.limits.stored-bytes-per-service`
  std::size_t stored_service_bytes_max = 8 * 1024 * 1024;
  /// And about all; `nacre.limits.stored-bytes`
  std::size_t stored_bytes_max = 64 * 1024 * 1024;
  /// Bytes of answers and pushes that clients have not taken yet, in all; 0: a tenth of the memory
  /// that the process may use, by `memory_bytes_max` if given; `nacre.limits.answer-bytes`
  std::size_t answer_bytes_max = 0;
  /// And of one address; `nacre.limits.answer-bytes-per-address`
  std::size_t answer_bytes_per_address_max = 24 * 1024 * 1024;
  /// And of one gRPC connection (over HTTP there is one at a time);
  /// `nacre.limits.answer-bytes-per-connection`
  std::size_t answer_bytes_per_connection_max = 16 * 1024 * 1024;
  /// Bytes of bodies of HTTP requests that have not come in whole, in all; one address may have a
  /// quarter of it. Bodies of up to 8 kB are not counted; `nacre.limits.body-bytes`
  std::size_t body_bytes_max = 256 * 1024 * 1024;
  /// Clusters one query or subscription may name; `nacre.limits.query-clusters`
  std::size_t query_clusters_max = 100;
  /// Whether names and numbers are checked before use; `nacos.core.param.check.enabled`
  bool param_check_enabled = true;
};

/// Fewer characters of `cluster_options::identity_value` can be guessed.
constexpr std::size_t identity_chars_min = 16;

/// Several nodes as one registry. Without effect in a standalone node.
struct cluster_options {
  /// Members as `host[:port]`, separated by commas; `nacos.member.list`, `NACOS_SERVERS`,
  /// `--members`.
  std::string members;
  /// Where members are looked up: `file` (the list above if there is none), `address-server`, or
  /// empty for the list above, else the file, else the address server;
  /// `nacos.core.member.lookup.type`
  std::string lookup;
  /// Read at start and whenever it changes, never written; `nacre.cluster.file`,
  /// `CLUSTER_CONF`
  std::filesystem::path file = "conf/cluster.conf";
  /// `address.server.domain`, `address.server.port`, `address.server.url`; environment variables
  /// `address_server_domain`, `address_server_port`, `address_server_url` win.
  std::string address_server_domain = "jmenv.tbsite.net";
  std::uint16_t address_server_port = 8080;
  std::string address_server_url = "/nacos/serverlist";
  /// Header by which nodes know each other, and what it has to say (both secret, no default: a
  /// cluster without them does not start); `nacos.core.auth.server.identity.key`,
  /// `nacos.core.auth.server.identity.value`, at least `identity_chars_min` characters.
  std::string identity_key;
  std::string identity_value;
  /// How often a node sends each other one a heartbeat.
  milliseconds heartbeat_interval{1'000};
  /// A member nobody heard for this long is SUSPICIOUS, still responsible for its clients.
  milliseconds suspicious_after{3'000};
  /// A member nobody heard for this long is DOWN: others become responsible for its clients.
  milliseconds down_after{10'000};
  /// Connections of a member that is known dead are lost after this time, ...
  milliseconds dead_clients_after{15'000};
  /// ... those of one that is merely silent after this; `nacos.naming.client.expired.time`
  milliseconds silent_clients_after{180'000};
  /// Changes of one client within this time after its last sync merge into one more;
  /// `nacos.core.protocol.distro.data.sync.delayMs`
  milliseconds sync_window{1'000};
  /// A batch of changes has to be acknowledged within this time;
  /// `nacos.core.protocol.distro.data.sync.timeoutMs`
  milliseconds sync_timeout{3'000};
  /// Changes pending for one peer; beyond this verify finds what was not sent.
  std::size_t sync_tasks_max = 200'000;
  /// `nacos.core.protocol.distro.data.verify.intervalMs`
  milliseconds verify_interval{5'000};
  /// A starting node that hears of no loaded peer for this long is the first.
  milliseconds load_patience{3'000};
  /// A chunk of a snapshot has to arrive within this time, else another peer is asked;
  /// `nacos.core.protocol.distro.data.load.timeoutMs`
  milliseconds load_timeout{3'000};
  /// Bytes of one chunk, about.
  std::size_t chunk_bytes_max = 1024 * 1024;
  /// How long tombstones are kept, so that a late message cannot resurrect a record; of more than
  /// 250,000 the oldest go before.
  milliseconds tombstone_term{600'000};
  /// `nacos.remote.peer.rpc.tls.enableTls`; PEM files as for clients, by the prefix
  /// `nacos.remote.peer.rpc.tls.`
  bool tls_enabled = false;
  bool tls_client_auth = false;
  /// Whether those who speak no TLS are served as well; `…compatibility`
  bool tls_compatibility = false;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_trust_file;
};

struct options {
  node_mode mode = node_mode::standalone;
  /// Where the node keeps its files; created at start.
  std::filesystem::path data_dir = "data";
  /// This node's own address as told to others; `nacos.inetutils.ip-address`, `NACOS_SERVER_IP`.
  /// Empty: the first IPv4 address of an interface that is up and not loopback.
  std::string server_ip;
  /// Worker in snowflake ids of instances; -1: chosen so that no two nodes of a cluster share it;
  /// `nacos.core.snowflake.worker-id`
  std::int32_t snowflake_worker = -1;
  /// Worker threads of the actor system; 0 = half the cores the process may run on, at least 1.
  std::size_t actor_threads = 0;
  /// Parts the ip:port clients are divided into, each an actor of its own; 0 = as many as
  /// `actor_threads`, at least 2.
  std::size_t client_shards = 0;
  /// Lowest level that is logged: trace, debug, info, warn, error.
  std::string log_level = "info";
  /// Whether clients have to log in; `nacos.core.auth.enabled`. `validate` refuses true: this
  /// version cannot do it.
  bool auth_enabled = false;

  http_options http;
  liveness_options liveness;
  push_options push;
  connection_options connections;
  health_options health;
  cleaning_options cleaning;
  limit_options limits;
  cluster_options cluster;
};

} // namespace nacre
