#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/instance.hpp"
#include "protocol/json_reader.hpp"

/// Bodies of the gRPC requests a node understands (Nacos `api.naming.remote.request`), read as
/// leniently as Jackson does: unknown keys are ignored, a missing key has its default, null is
/// nothing, scalars become what is asked for. Pure, any thread.
namespace nacre {

/// A body that can't be read as its type.
struct unreadable_request {};

/// An instance as its SDK describes it.
struct requested_instance {
  instance what;
  /// As sent; `what.port` holds it once it is known to be one.
  std::int32_t port = 0;
  /// The id the client chose itself; empty if the node is to make one.
  std::string given_id;
  /// Its own idea of the service, only checked.
  std::string service_name;
};

/// What all naming requests share. A missing or blank namespace is `public`, a group
/// `DEFAULT_GROUP`, a name stays blank.
struct named_request {
  std::string namespace_id;
  std::string group;
  std::string service_name;

  service_key_view key() const { return {namespace_id, group, service_name}; }
};

/// InstanceRequest, BatchInstanceRequest, PersistentInstanceRequest.
struct instance_request : named_request {
  std::string type;
  /// Nothing if it was null or missing.
  std::optional<requested_instance> what;
  /// Of a batch; nothing if it was null or missing.
  std::optional<std::vector<requested_instance>> batch;
};

/// ServiceQueryRequest, SubscribeServiceRequest.
struct list_request : named_request {
  std::string clusters;
  bool healthy_only = false;
  bool subscribe = false;
};

struct service_list_request : named_request {
  std::int32_t page_no = 0;
  std::int32_t page_size = 0;
};

/// NamingFuzzyWatchRequest.
struct fuzzy_watch_request {
  /// `namespace>>group>>service` with `*` in group and service.
  std::string pattern;
  std::string watch_type;
  bool initializing = false;
  /// `namespace@@group@@service` of what the client knows already.
  std::vector<std::string> received_keys;
};

/// ConnectionSetupRequest.
struct setup_request {
  std::string client_version;
  std::string tenant;
  metadata_map labels;
  /// Whether the client takes part in the negotiation of abilities: its table is not null.
  bool has_abilities = false;
  /// Whether it can watch services by pattern.
  bool watches_fuzzily = false;
};

/// The `*Response` a client sends on its stream.
struct client_answer {
  std::string request_id;
  bool ok = false;
};

// Each throws `unreadable_request` if the body is no JSON object, a field has no fitting value, or
// a map or array has more than 100,000 items.
instance_request parse_instance_request(std::string_view body);
list_request parse_list_request(std::string_view body);
service_list_request parse_service_list_request(std::string_view body);
fuzzy_watch_request parse_fuzzy_watch_request(std::string_view body);
setup_request parse_setup_request(std::string_view body);
client_answer parse_client_answer(std::string_view body);

/// Whether the body is a JSON object at all, for requests of which nothing else matters.
void check_request_body(std::string_view body);

} // namespace nacre
