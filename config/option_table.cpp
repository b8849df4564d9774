#include "config/option_table.hpp"

#include "config/key_names.hpp"
#include "config/network_list.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace nacre {

namespace {

constexpr std::int64_t year_ms = 365LL * 24 * 60 * 60 * 1000;
constexpr std::int64_t hour_ms = 60 * 60 * 1000;
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";
constexpr std::size_t text_bytes_max = 16 * 1024;

/// Access to a field of `options` by the way to it: `at(&options::http, &http_options::port)`.
template <class... Members>
auto at(Members... members) {
  return [=](auto& values) -> auto& { return (values.*....*members); };
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

bool consists_of(std::string_view text, std::initializer_list<std::string_view> allowed) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return std::any_of(allowed.begin(), allowed.end(),
                       [c](std::string_view set) { return set.find(c) != set.npos; });
  });
}

/// A whole number, or milliseconds, from `min` to `max`.
template <class Field>
option_row number(option_row row, Field field, std::int64_t min, std::int64_t max) {
  using type = std::remove_cvref_t<decltype(field(std::declval<options&>()))>;
  constexpr bool is_time = std::is_same_v<type, milliseconds>;
  row.wanted = std::string(is_time ? "milliseconds" : "a whole number") + " from "
               + std::to_string(min) + " to " + std::to_string(max);
  row.set = [=](options& values, std::string_view text) {
    std::int64_t number = 0;
    const auto end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || number < min || number > max)
      return false;
    field(values) = static_cast<type>(number);
    return true;
  };
  row.get = [=](const options& values) {
    if constexpr (is_time)
      return std::to_string(field(values).count());
    else
      return std::to_string(field(values));
  };
  return row;
}

template <class Field>
option_row boolean(option_row row, Field field) {
  row.wanted = "true or false";
  row.set = [=](options& values, std::string_view text) {
    const auto word = lower_case(text);
    if (word == "true" || word == "false")
      field(values) = word == "true";
    return word == "true" || word == "false";
  };
  row.get = [=](const options& values) { return field(values) ? "true" : "false"; };
  return row;
}

/// `check` gives the text to keep, or nothing for one that is not right.
template <class Field, class Check>
option_row text(option_row row, Field field, std::string wanted, Check check) {
  row.wanted = std::move(wanted);
  row.set = [=](options& values, std::string_view text) {
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
    if (text.size() > text_bytes_max || std::any_of(text.begin(), text.end(), is_control))
      return false;
    std::optional<std::string> kept = check(text);
    if (kept)
      field(values) = *std::move(kept);
    return kept.has_value();
  };
  row.get = [=](const options& values) -> std::string {
    if constexpr (std::is_convertible_v<decltype(field(values)), std::string_view>)
      return field(values);
    else
      return field(values).string();
  };
  return row;
}

/// A check for `text` that keeps what has the property.
template <class Predicate>
auto if_true(Predicate predicate) {
  return [=](std::string_view text) {
    return predicate(text) ? std::optional<std::string>(text) : std::nullopt;
  };
}

const auto any_text = if_true([](std::string_view) { return true; });
const auto not_empty = if_true([](std::string_view text) { return !text.empty(); });

/// What may stand in a header of HTTP and of gRPC alike.
bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// Nacos takes a word it does not know for none; `load_options` warns of it.
std::optional<std::string> known_lookup(std::string_view type) {
  auto word = lower_case(type);
  return word == "file" || word == "address-server" ? word : "";
}

std::optional<std::string> check_context_path(std::string_view path) {
  if (path.empty() || path == "/")
    return "";
  const bool right = path.starts_with('/') && !path.ends_with('/') && path.find("//") == path.npos
                     && consists_of(path, {letters, digits, "/-._~"});
  return right ? std::optional<std::string>(path) : std::nullopt;
}

std::optional<std::string> check_log_level(std::string_view level) {
  auto word = lower_case(level);
  for (const auto known : {"trace", "debug", "info", "warn", "error"})
    if (word == known)
      return word;
  return std::nullopt;
}

/// Nacos' image separates members by spaces, its property by commas.
std::optional<std::string> check_member_list(std::string_view list) {
  if (!consists_of(list, {letters, digits, ".:-_[]%?=&, "}))
    return std::nullopt;
  std::string result;
  for (const char c : list) {
    const bool separates = c == ' ' || c == ',';
    if (!separates)
      result += c;
    else if (!result.empty() && result.back() != ',')
      result += ',';
  }
  if (result.ends_with(','))
    result.pop_back();
  return result;
}

option_row mode_as_boolean() {
  option_row row{.keys = {"nacos.standalone"},
                 .help = "Nacos' own word for nacre.mode, which wins over it.",
                 .wanted = "true or false"};
  row.set = [](options& values, std::string_view text) {
    const auto word = lower_case(text);
    if (word == "true" || word == "false")
      values.mode = word == "true" ? node_mode::standalone : node_mode::cluster;
    return word == "true" || word == "false";
  };
  row.get = [](const options& x) { return x.mode == node_mode::standalone ? "true" : "false"; };
  return row;
}

option_row mode_by_name() {
  option_row row{.keys = {"nacre.mode"},
                 .variables = {"MODE"},
                 .flag = "--mode",
                 .help = "Whether this node is the whole registry or one of several.",
                 .wanted = "standalone or cluster"};
  row.set = [](options& values, std::string_view text) {
    const auto word = lower_case(text);
    if (word == "standalone" || word == "cluster")
      values.mode = word == "standalone" ? node_mode::standalone : node_mode::cluster;
    return word == "standalone" || word == "cluster";
  };
  row.get = [](const options& x) {
    return x.mode == node_mode::standalone ? "standalone" : "cluster";
  };
  return row;
}

std::vector<option_row> node_rows() {
  return {
    mode_as_boolean(),
    mode_by_name(),
    text({.keys = {"nacre.data-dir"},
          .flag = "--data-dir",
          .help = "Where the node keeps its files; created at start."},
         at(&options::data_dir), "the path of a folder", not_empty),
    text({.keys = {"nacos.server.ip", "nacos.inetutils.ip-address"},
          .variables = {"NACOS_SERVER_IP"},
          .flag = "--server-ip",
          .help = "This node's own address as told to others; empty: the first IPv4 address of "
                  "an interface that is up and not loopback."},
         at(&options::server_ip), "an IP address or a host name", if_true([](std::string_view x) {
           return x.size() <= 253 && consists_of(x, {letters, digits, ".:-_[]%"});
         })),
    text(
      {.keys = {"nacre.log-level"}, .flag = "--log-level", .help = "Lowest level that is logged."},
      at(&options::log_level), "trace, debug, info, warn or error", check_log_level),
    number({.keys = {"nacre.actor-threads"},
            .flag = "--actor-threads",
            .help = "Worker threads of the actor system; 0 = half the cores the process may run "
                    "on, at least 1."},
           at(&options::actor_threads), 0, 1'024),
    number({.keys = {"nacos.core.snowflake.worker-id"},
            .help = "Number of this node in snowflake ids of instances, another one on each node; "
                    "-1: one that follows from the list of members and this node's address."},
           at(&options::snowflake_worker), -1, 1'023),
    number({.keys = {"nacre.client-shards"},
            .help = "Parts the ip:port clients are divided into; 0 = as many as actor threads, "
                    "at least 2."},
           at(&options::client_shards), 0, 1'024),
  };
}

std::vector<option_row> http_rows() {
  constexpr auto http = &options::http;
  return {
    text({.keys = {"nacre.http.address", "server.address"},
          .help = "Address to listen on, also by gRPC and UDP; nothing: all of the machine, IPv6 "
                  "and IPv4."},
         at(http, &http_options::address), "an IP address", if_true([](std::string_view x) {
           return x.size() <= 64 && consists_of(x, {digits, "abcdefABCDEF.:"});
         })),
    number({.keys = {"server.port", "nacos.server.main.port", "nacos.server.port"},
            .variables = {"NACOS_APPLICATION_PORT"},
            .flag = "--port",
            .help = "Main port; the SDK gRPC port is this + 1000, the cluster port this + 1001."},
           at(http, &http_options::port), 1, 64'000),
    text({.keys = {"server.servlet.contextPath", "nacos.server.contextPath", "server.contextPath"},
          .help = "Path before every API path; / or nothing: none.",
          .empty_counts = true},
         at(http, &http_options::context_path), "a path that begins with / and does not end so",
         check_context_path),
    number({.keys = {"nacre.http.io-threads"},
            .flag = "--io-threads",
            .help = "Threads that read and write sockets; 0 = one per core the process may run "
                    "on."},
           at(http, &http_options::io_threads), 0, 1'024),
    number({.keys = {"nacre.http.connections-max"},
            .help = "Open connections, fewer if descriptors are; one more ends the longest idle."},
           at(http, &http_options::connections_max), 1, 1'000'000),
    number({.keys = {"nacre.http.connections-per-address-max"},
            .help = "Open connections of one address; one more is refused."},
           at(http, &http_options::connections_per_address_max), 1, 1'000'000),
    number({.keys = {"nacre.http.header-bytes-max"},
            .help = "Request line and headers together; more gets 431."},
           at(http, &http_options::header_bytes_max), 256, 1'024 * 1'024),
    number({.keys = {"nacre.http.body-bytes-max"}, .help = "Request body; more gets 413."},
           at(http, &http_options::body_bytes_max), 1, 1'024 * 1'024 * 1'024),
    number({.keys = {"nacre.http.read-timeout-ms"},
            .help = "A request has to arrive within this time, counted from the last answer."},
           at(http, &http_options::read_timeout), 1, year_ms),
    number({.keys = {"nacre.http.write-timeout-ms"},
            .help = "An answer has to be taken by the client within this time."},
           at(http, &http_options::write_timeout), 1, year_ms),
  };
}

std::vector<option_row> liveness_and_push_rows() {
  constexpr auto push = &options::push;
  constexpr auto liveness = &options::liveness;
  return {
    boolean({.keys = {"nacos.naming.expireInstance"},
             .help = "Whether an instance whose beats stopped is removed."},
            at(liveness, &liveness_options::expire_instance)),
    number({.keys = {"nacre.liveness.subscriber-timeout-ms"},
            .help = "A pure UDP subscriber that asked for no list for this long is forgotten."},
           at(liveness, &liveness_options::subscriber_timeout), 1, year_ms),
    number({.keys = {"nacos.naming.push.pushTaskDelay"},
            .help = "Changes of one service within this time after its last push merge into one "
                    "more."},
           at(push, &push_options::merge_window), 0, year_ms),
    number({.keys = {"nacre.push.warm-up-ms"},
            .help = "For this long after the start, empty lists are not pushed: clients are "
                    "still registering again."},
           at(push, &push_options::warm_up), 0, 60'000),
    number({.keys = {"nacre.push.udp-ack-timeout-ms"},
            .help = "A datagram that was not acknowledged for this long is sent again."},
           at(push, &push_options::udp_ack_timeout), 1, year_ms),
    number({.keys = {"nacre.push.udp-retransmits"},
            .help = "How often a datagram is sent again before it counts as failed."},
           at(push, &push_options::udp_retransmits), 0, 100),
    number({.keys = {"nacre.push.udp-pending-max"},
            .help = "Datagrams that wait for their ack; beyond this the oldest count as failed."},
           at(push, &push_options::udp_pending_max), 1, 100'000'000),
    number({.keys = {"nacre.push.udp-unproved-interval-ms"},
            .help = "An address that a query named as clientIP, and that acknowledged nothing yet, "
                    "gets one datagram in this time."},
           at(push, &push_options::udp_unproved_interval), 0, year_ms),
    number({.keys = {"nacre.push.udp-unproved-max"}, .help = "And so many datagrams in all."},
           at(push, &push_options::udp_unproved_max), 0, 1'000'000),
    number({.keys = {"nacre.push.udp-unproved-bytes-max"},
            .help = "And none longer than this; longer ones wait for its first acknowledgement."},
           at(push, &push_options::udp_unproved_bytes_max), 100, 65'507),
    boolean({.keys = {"nacre.push.udp-caller-only"},
             .help = "Whether only the address that asks is pushed to, whatever clientIP says."},
            at(push, &push_options::udp_caller_only)),
  };
}

std::vector<option_row> connection_rows() {
  constexpr auto x = &options::connections;
  return {
    number({.keys = {"nacre.grpc.connections-max"},
            .help = "gRPC connections in all; one more is refused."},
           at(x, &connection_options::connections_max), 1, 10'000'000),
    number(
      {.keys = {"nacre.grpc.connections-per-ip-max"}, .help = "gRPC connections from one address."},
      at(x, &connection_options::connections_per_ip_max), 1, 10'000'000),
    number({.keys = {"nacre.grpc.detect-after-ms"},
            .help = "A gRPC client silent for this long is asked whether it is there."},
           at(x, &connection_options::detect_after), 1, year_ms),
    number({.keys = {"nacre.grpc.detect-timeout-ms"},
            .help = "It has to answer within this time, or its connection ends."},
           at(x, &connection_options::detect_timeout), 1, year_ms),
    number({.keys = {"nacos.naming.push.pushTaskTimeout"},
            .help = "A gRPC push has to be acknowledged within this time."},
           at(x, &connection_options::push_ack_timeout), 1, year_ms),
    number({.keys = {"nacos.naming.push.pushTaskRetryDelay"},
            .help = "First wait before such a push is sent again; it doubles from try to try."},
           at(x, &connection_options::push_retry_delay), 1, year_ms),
    number({.keys = {"nacre.grpc.setup-patience-ms"},
            .help = "How long a gRPC request may wait for the setup of its connection."},
           at(x, &connection_options::setup_patience), 0, 60'000),
    number({.keys = {"nacos.remote.server.grpc.sdk.max-inbound-message-size",
                     "nacos.remote.server.grpc.maxinbound.message.size"},
            .help = "Bytes of one gRPC message from a client."},
           at(x, &connection_options::message_bytes_max), 1'024, 1'024 * 1'024 * 1'024),
    number({.keys = {"nacos.remote.server.grpc.sdk.keep-alive-time"},
            .help = "HTTP/2 ping after this time without traffic."},
           at(x, &connection_options::keepalive_time), 1'000, INT32_MAX),
    number({.keys = {"nacos.remote.server.grpc.sdk.keep-alive-timeout"},
            .help = "A connection that does not answer the ping within this time is closed."},
           at(x, &connection_options::keepalive_timeout), 100, INT32_MAX),
  };
}

/// TLS of one gRPC port: the keys of both, and the fields behind them, have the same names.
template <class Options>
std::vector<option_row> tls_rows(Options options::*x, const std::string& prefix,
                                 const std::string& port, const std::string& callers) {
  const std::string wanted = "the path of a PEM file";
  return {
    boolean({.keys = {prefix + "enableTls"}, .help = "Whether the " + port + " speaks TLS."},
            at(x, &Options::tls_enabled)),
    boolean({.keys = {prefix + "compatibility"},
             .help = "Whether it serves those as well that speak no TLS."},
            at(x, &Options::tls_compatibility)),
    boolean({.keys = {prefix + "mutualAuthEnable"},
             .help = "Whether " + callers + " have to show a certificate."},
            at(x, &Options::tls_client_auth)),
    text({.keys = {prefix + "certChainFile"}, .help = "Its certificates."},
         at(x, &Options::tls_certificate_file), wanted, any_text),
    text({.keys = {prefix + "certPrivateKey"}, .help = "Its private key."},
         at(x, &Options::tls_key_file), wanted, any_text),
    text({.keys = {prefix + "trustCollectionCertFile"},
          .help = "Certificates that those of " + callers + " are checked with."},
         at(x, &Options::tls_trust_file), wanted, any_text),
  };
}

std::vector<option_row> client_tls_rows() {
  return tls_rows(&options::connections, "nacos.remote.server.rpc.tls.", "SDK gRPC port",
                  "clients");
}

std::vector<option_row> cluster_tls_rows() {
  return tls_rows(&options::cluster, "nacos.remote.peer.rpc.tls.", "cluster's gRPC port",
                  "other nodes");
}

std::vector<option_row> cleaning_rows() {
  constexpr auto cleaning = &options::cleaning;
  return {
    number({.keys = {"nacos.naming.clean.empty-service.expired-time"},
            .help = "A service without publishers goes after this time."},
           at(cleaning, &cleaning_options::empty_service_expired), 0, year_ms),
    number({.keys = {"nacos.naming.clean.expired-metadata.interval"},
            .help = "How often overrides of vanished instances are purged."},
           at(cleaning, &cleaning_options::expired_metadata_interval), 1, year_ms),
    number({.keys = {"nacos.naming.clean.expired-metadata.expired-time"},
            .help = "An override of an instance outlives the instance by this time."},
           at(cleaning, &cleaning_options::expired_metadata_expired), 0, year_ms),
  };
}

std::vector<option_row> health_rows() {
  constexpr auto health = &options::health;
  const auto wanted = "networks such as 10.0.0.0/8, fd00::/8";
  const auto are_networks =
    if_true([](std::string_view x) { return network_list::parse(x).has_value(); });
  return {
    text({.keys = {"nacre.health.denied-networks"},
          .help = "Networks whose persistent instances are not probed, beside link-local and "
                  "multicast addresses, those of the clouds' metadata, this cluster's own ports, "
                  "and loopback in a cluster."},
         at(health, &health_options::denied_networks), wanted, are_networks),
    text({.keys = {"nacre.health.allowed-networks"},
          .help = "Networks that are probed, whatever is denied."},
         at(health, &health_options::allowed_networks), wanted, are_networks),
    boolean({.keys = {"nacre.health.resolve-names"},
             .help =
               "An instance that is registered by a host name is probed too: the name is looked "
               "up once, and where it leads then is asked from there on."},
            at(health, &health_options::resolve_names)),
    number({.keys = {"nacre.health.probes-max"}, .help = "Sockets of probes at once."},
           at(health, &health_options::probes_max), 1, 100'000),
    number({.keys = {"nacre.health.suspicious-percent"},
            .help = "A node that finds more than this share of its targets dead at once, or of the "
                    "clients that beat silent, in percent, suspects itself. 100: never."},
           at(health, &health_options::suspicious_percent), 1, 100),
  };
}

std::vector<option_row> limit_rows() {
  constexpr auto limits = &options::limits;
  return {
    number({.keys = {"nacos.naming.service.metadata.length"},
            .help = "Characters of all keys and values of one metadata map."},
           at(limits, &limit_options::metadata_chars_max), 1, 100'000'000),
    number({.keys = {"nacre.limits.memory-bytes"},
            .help = "Bytes of memory of the process; at this bound nothing new is taken. 0: three "
                    "quarters of what it may use."},
           at(limits, &limit_options::memory_bytes_max), 0, 1'000'000'000'000'000),
    number({.keys = {"nacre.limits.services"},
            .help = "Services of this node, all namespaces together."},
           at(limits, &limit_options::services_max), 1, 1'000'000'000),
    number({.keys = {"nacre.limits.instances"}, .help = "Instances of this node."},
           at(limits, &limit_options::instances_max), 1, 1'000'000'000),
    number({.keys = {"nacre.limits.namespaces"}, .help = "Namespaces with a record of their own."},
           at(limits, &limit_options::namespaces_max), 1, 1'000'000'000),
    number({.keys = {"nacre.limits.stored-bytes-per-service"},
            .help =
              "Bytes of what operators store about one service: settings, clusters, overrides "
              "of its instances."},
           at(limits, &limit_options::stored_service_bytes_max), 1'024, 1'000'000'000'000),
    number({.keys = {"nacre.limits.stored-bytes"}, .help = "And about all services."},
           at(limits, &limit_options::stored_bytes_max), 1'024, 1'000'000'000'000),
    number({.keys = {"nacre.limits.answer-bytes"},
            .help = "Bytes of answers and pushes that clients have not taken yet; one more long "
                    "answer is 503. 0: a tenth of the memory that the process may use, which "
                    "memory-bytes may say."},
           at(limits, &limit_options::answer_bytes_max), 0, 1'000'000'000'000'000),
    number({.keys = {"nacre.limits.answer-bytes-per-address"}, .help = "And of one address."},
           at(limits, &limit_options::answer_bytes_per_address_max), 1'024, 1'000'000'000'000'000),
    number({.keys = {"nacre.limits.answer-bytes-per-connection"},
            .help = "And of one gRPC connection; over HTTP there is one answer at a time."},
           at(limits, &limit_options::answer_bytes_per_connection_max), 1'024,
           1'000'000'000'000'000),
    number({.keys = {"nacre.limits.body-bytes"},
            .help = "Bytes of HTTP requests' bodies of which not all has come yet; at this bound, "
                    "or at a quarter of it from one address, one more is 503."},
           at(limits, &limit_options::body_bytes_max), 1'024, 1'000'000'000'000'000),
    number({.keys = {"nacre.limits.query-clusters"},
            .help = "Clusters that one query or subscription may name."},
           at(limits, &limit_options::query_clusters_max), 1, 100'000),
    boolean({.keys = {"nacos.core.param.check.enabled"},
             .help = "Whether names and numbers are checked before use."},
            at(limits, &limit_options::param_check_enabled)),
  };
}

std::vector<option_row> auth_rows() {
  return {
    boolean({.keys = {"nacos.core.auth.enabled"},
             .variables = {"NACOS_AUTH_ENABLE"},
             .help = "Whether clients have to log in; true is not available in this version."},
            at(&options::auth_enabled)),
  };
}

std::vector<option_row> cluster_rows() {
  constexpr auto x = &options::cluster;
  return {
    text({.keys = {"nacos.member.list"},
          .variables = {"NACOS_SERVERS", "MEMBER_LIST"},
          .flag = "--members",
          .help = "The nodes of a cluster, this one among them."},
         at(x, &cluster_options::members), "host[:port], separated by commas or spaces",
         check_member_list),
    text({.keys = {"nacos.core.member.lookup.type"},
          .help = "Where the nodes of a cluster are looked up; empty or another word: the list "
                  "above, else the file, else the address server."},
         at(x, &cluster_options::lookup), "file or address-server", known_lookup),
    text({.keys = {"nacre.cluster.file"},
          .variables = {"CLUSTER_CONF"},
          .help = "The nodes of a cluster, one per line; read again when it changes."},
         at(x, &cluster_options::file), "the path of a file", not_empty),
    text(
      {.keys = {"address.server.domain"},
       .variables = {"address_server_domain"},
       .help = "Host of the address server."},
      at(x, &cluster_options::address_server_domain), "a host name or an IP address",
      if_true([](std::string_view host) {
        return !host.empty() && host.size() <= 253 && consists_of(host, {letters, digits, ".:-_"});
      })),
    number(
      {.keys = {"address.server.port"}, .variables = {"address_server_port"}, .help = "Its port."},
      at(x, &cluster_options::address_server_port), 1, 65'535),
    text({.keys = {"address.server.url"},
          .variables = {"address_server_url"},
          .help = "The path there whose answer is the list of nodes."},
         at(x, &cluster_options::address_server_url), "a path that begins with /",
         if_true([](std::string_view path) {
           return path.starts_with('/') && path.size() <= 2'048
                  && consists_of(path, {letters, digits, "/-._~%?&=:@!$'()*+,;"});
         })),
    text({.keys = {"nacos.core.auth.server.identity.key"},
          .variables = {"NACOS_AUTH_IDENTITY_KEY"},
          .help = "Header by which nodes know each other; a cluster needs one.",
          .secret = true},
         at(x, &cluster_options::identity_key), "letters, digits and any of -._",
         if_true([](std::string_view key) {
           return key.size() <= 128 && consists_of(key, {letters, digits, "-._"});
         })),
    text({.keys = {"nacos.core.auth.server.identity.value"},
          .variables = {"NACOS_AUTH_IDENTITY_VALUE"},
          .help = "What that header has to say, the same on all nodes; a cluster needs at least "
                  "16 characters.",
          .secret = true},
         at(x, &cluster_options::identity_value), "printable ASCII characters",
         if_true([](std::string_view value) { return is_printable_ascii(value); })),
  };
}

std::vector<option_row> cluster_time_rows() {
  constexpr auto x = &options::cluster;
  return {
    number({.keys = {"nacre.cluster.heartbeat-interval-ms"},
            .help = "How often a node sends each other one a heartbeat."},
           at(x, &cluster_options::heartbeat_interval), 10, hour_ms),
    number({.keys = {"nacre.cluster.suspicious-after-ms"},
            .help = "A node nobody heard for this long is SUSPICIOUS, still responsible for its "
                    "clients."},
           at(x, &cluster_options::suspicious_after), 10, hour_ms),
    number({.keys = {"nacre.cluster.down-after-ms"},
            .help = "A node nobody heard for this long is DOWN: others become responsible for "
                    "its clients."},
           at(x, &cluster_options::down_after), 10, hour_ms),
    number({.keys = {"nacre.cluster.dead-clients-after-ms"},
            .help = "Connections of a node that is known dead are lost after this time."},
           at(x, &cluster_options::dead_clients_after), 10, year_ms),
    number({.keys = {"nacos.naming.client.expired.time"},
            .help = "Connections of a node that is merely silent are lost after this time."},
           at(x, &cluster_options::silent_clients_after), 10, year_ms),
    number({.keys = {"nacre.cluster.tombstone-term-ms"},
            .help = "What is gone is remembered for this long, so that nothing late raises it."},
           at(x, &cluster_options::tombstone_term), 1'000, year_ms),
  };
}

std::vector<option_row> sync_rows() {
  constexpr auto x = &options::cluster;
  return {
    number({.keys = {"nacos.core.protocol.distro.data.sync.delayMs",
                     "nacos.core.protocol.distro.data.sync_delay_ms"},
            .help = "Changes of one client within this time after its last sync merge into one "
                    "more."},
           at(x, &cluster_options::sync_window), 0, hour_ms),
    number({.keys = {"nacos.core.protocol.distro.data.sync.timeoutMs"},
            .help = "A batch of changes has to be acknowledged within this time."},
           at(x, &cluster_options::sync_timeout), 10, hour_ms),
    number({.keys = {"nacre.cluster.sync-tasks-max"},
            .help = "Changes pending for one node; beyond this verify finds what was not sent."},
           at(x, &cluster_options::sync_tasks_max), 1, 100'000'000),
    number({.keys = {"nacos.core.protocol.distro.data.verify.intervalMs",
                     "nacos.core.protocol.distro.data.verify_interval_ms"},
            .help = "How often nodes compare what they know of each other's clients."},
           at(x, &cluster_options::verify_interval), 10, hour_ms),
    number({.keys = {"nacre.cluster.load-patience-ms"},
            .help = "A starting node that hears of no loaded one for this long is the first."},
           at(x, &cluster_options::load_patience), 0, hour_ms),
    number({.keys = {"nacos.core.protocol.distro.data.load.timeoutMs"},
            .help = "A chunk of a snapshot has to arrive within this time, else another node is "
                    "asked."},
           at(x, &cluster_options::load_timeout), 10, hour_ms),
    number({.keys = {"nacre.cluster.chunk-bytes-max"}, .help = "Bytes of such a chunk, about."},
           at(x, &cluster_options::chunk_bytes_max), 1'024, 8 * 1'024 * 1'024),
  };
}

} // namespace

const std::vector<option_row>& option_table() {
  static const auto table = [] {
    std::vector<option_row> result;
    const auto add = [&](const char* subject, std::vector<option_row> rows) {
      for (auto& row : rows) {
        row.subject = subject;
        result.push_back(std::move(row));
      }
    };
    add("node", node_rows());
    add("HTTP", http_rows());
    add("beats and pushes", liveness_and_push_rows());
    add("gRPC connections", connection_rows());
    add("TLS of gRPC", client_tls_rows());
    add("health checks", health_rows());
    add("cleaning", cleaning_rows());
    add("limits", limit_rows());
    add("rights", auth_rows());
    add("cluster", cluster_rows());
    add("cluster: times", cluster_time_rows());
    add("cluster: sync", sync_rows());
    add("cluster: TLS", cluster_tls_rows());
    return result;
  }();
  return table;
}

std::vector<std::string> environment_names(const option_row& row) {
  std::vector<std::string> result;
  const auto add = [&](const std::string& name) {
    if (std::find(result.begin(), result.end(), name) == result.end())
      result.push_back(name);
  };
  const auto add_spellings = [&](const std::string& key) {
    add(spaced_variable(key));
    add(compact_variable(key));
  };
  add_spellings(row.keys.front());
  std::for_each(row.variables.begin(), row.variables.end(), add);
  std::for_each(row.keys.begin() + 1, row.keys.end(), add_spellings);
  return result;
}

} // namespace nacre
