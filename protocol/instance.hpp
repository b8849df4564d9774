#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "protocol/metadata.hpp"
#include "protocol/service_key.hpp"
#include "protocol/shared_metadata.hpp"
#include "protocol/shared_text.hpp"
#include "protocol/short_text.hpp"

namespace nacre {

/// How the `instanceId` of an instance is made (Nacos `InstanceIdGenerator`).
enum class id_generator : std::uint8_t {
  /// No id: HTTP v2 and v3 registrations.
  none,
  /// `ip#port#cluster#group@@name`
  simple,
  /// `number#cluster#group@@name`
  snowflake,
  /// The client chose it (gRPC).
  given,
};

/// Text of an id that does not follow from the instance itself; shared, since it rarely exists.
struct id_text : boost::intrusive_ref_counter<id_text, boost::thread_safe_counter> {
  explicit id_text(std::string x) : text(std::move(x)) {}
  const std::string text;
};
using id_text_ptr = boost::intrusive_ptr<const id_text>;

/// `DEFAULT`, so that it need not be looked up for each instance.
const shared_text& default_cluster_text();

/// One provider of a service, as its client described it. There are very many of them: what is
/// likely to be the same in others is stored once for all.
struct instance {
  short_text ip;
  shared_text cluster_name{default_cluster_text()};
  double weight = 1.0;
  /// The number of a snowflake id, the whole of a given one; else null.
  id_text_ptr id;
  shared_metadata metadata;
  std::uint16_t port = 0;
  id_generator generator = id_generator::none;
  bool healthy = true;
  bool enabled = true;
  bool ephemeral = true;

  /// Key of its override: `ip:port:cluster`.
  std::string metadata_id() const {
    return ip + ':' + std::to_string(port) + ':' + cluster_name.str();
  }

  /// The id lists show, empty if there is none.
  std::string instance_id(const service_key_view& service) const;
};

/// Gives `x` the kind of id that its metadata asks for (`preserved.instance.id.generator`).
/// @param next_number called for a snowflake id
/// @returns false if it asks for a kind that is none
template <class F>
bool set_instance_id(instance& x, F next_number) {
  auto wanted = find_metadata(x.metadata, "preserved.instance.id.generator");
  if (!wanted || wanted->empty() || *wanted == "simple") {
    x.generator = id_generator::simple;
    return true;
  }
  if (*wanted != "snowflake")
    return false;
  x.generator = id_generator::snowflake;
  x.id = new id_text(std::to_string(next_number()));
  return true;
}

/// What it takes in a message to another node.
std::size_t wire_bytes(const instance& x);

/// Whether two descriptions give the same lists; two weights that are no number are the same.
bool same_instance(const instance& a, const instance& b);

/// What an operator put over an instance (PUT, PATCH, metadata/batch): weight and enabled replace
/// the published values, metadata is added to them (Nacos `InstanceMetadata`).
struct instance_override {
  double weight = 1.0;
  bool enabled = true;
  metadata_map metadata;
  /// Who set it, an address, and when, in ms of the wall clock.
  std::string set_by{};
  std::int64_t set_ms = 0;

  auto fields() { return std::tie(weight, enabled, metadata, set_by, set_ms); }
};

/// `published` as lists show it (Nacos `InstanceUtil.parseToApiInstance`).
instance with_override(const instance& published, const instance_override& stored);

} // namespace nacre
