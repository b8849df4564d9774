#include "protocol/instance.hpp"

#include <cmath>

namespace nacre {

const shared_text& default_cluster_text() {
  static const shared_text x(default_cluster);
  return x;
}

std::string instance::instance_id(const service_key_view& service) const {
  if (generator == id_generator::none)
    return {};
  if (generator == id_generator::given)
    return id->text;
  auto text = generator == id_generator::simple ? ip + '#' + std::to_string(port) : id->text;
  return text.append("#").append(cluster_name.str()).append("#").append(service.grouped_name());
}

std::size_t wire_bytes(const instance& x) {
  // Numbers and truths, and the length in front of each text and of the metadata.
  std::size_t bytes = 27 + x.ip.size() + x.cluster_name.str().size();
  if (x.id)
    bytes += 4 + x.id->text.size();
  for (auto& [key, value] : x.metadata)
    bytes += 8 + key.size() + value.size();
  return bytes;
}

bool same_instance(const instance& a, const instance& b) {
  // A new snowflake number for the same registration is no change: the old id stays valid.
  return a.ip == b.ip && a.port == b.port && a.cluster_name == b.cluster_name
         && (a.weight == b.weight || (std::isnan(a.weight) && std::isnan(b.weight)))
         && a.healthy == b.healthy && a.enabled == b.enabled && a.ephemeral == b.ephemeral
         && a.generator == b.generator && a.metadata == b.metadata
         && (a.generator != id_generator::given || a.id->text == b.id->text);
}

instance with_override(const instance& published, const instance_override& stored) {
  auto effective = published;
  effective.weight = stored.weight;
  effective.enabled = stored.enabled;
  effective.metadata = merged(published.metadata, stored.metadata);
  return effective;
}

} // namespace nacre
