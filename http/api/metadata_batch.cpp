#include "http/api/metadata_batch.hpp"

#include "http/api/lists.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

struct batch_target {
  std::string ip;
  std::int32_t port;
  std::string cluster;
  bool ephemeral;
};

/// Nothing means all instances of the service.
std::optional<std::vector<batch_target>> read_targets(const http_call& c) {
  auto text = c.optional("instances");
  if (text.empty() || text == "null")
    return std::nullopt;
  json_document document(text);
  auto root = document.root();
  if (!root.is_array())
    throw refusal{text_error(400, "Param 'instances' is illegal, it should be a JSON array")};
  std::vector<batch_target> targets;
  for (auto& x : root.elements()) {
    auto cluster = x["clusterName"].scalar_text().value_or("");
    auto port = x["port"].scalar_text().value_or("0");
    auto ephemeral = x["ephemeral"].boolean().value_or(true);
    targets.push_back({x["ip"].scalar_text().value_or(""), parse_int32(port).value_or(0),
                       is_blank(cluster) ? std::string(default_cluster) : std::move(cluster),
                       ephemeral});
  }
  if (targets.empty())
    return std::nullopt;
  return targets;
}

} // namespace

metadata_batch make_metadata_batch(const http_call& c, const service_key_view& key,
                                   const metadata_map& metadata, bool remove) {
  auto targets = read_targets(c);
  auto view = find_listed(c, key);
  metadata_batch batch;
  json_writer out;
  out.begin_object().key("updated").begin_array();
  using kind = override_change::kind;
  auto touch = [&](const instance& published, bool ephemeral_as_asked) {
    // The reference resets weight and enabled to 1 and true here when there was no override; an
    // operator who adds a key to the metadata did not ask for that.
    batch.changes.push_back({published.metadata_id(),
                             {published.weight, published.enabled, metadata},
                             remove ? kind::remove_metadata : kind::add_metadata});
    out.string(published.ip + ':' + std::to_string(published.port) + ":unknown:"
               + published.cluster_name + (ephemeral_as_asked ? ":ephemeral" : ":persist"));
  };
  if (view && !targets) {
    view->publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        touch(one, one.ephemeral);
    });
  } else if (view) {
    for (auto& target : *targets)
      if (target.port >= 0 && target.port <= 65535)
        if (auto found = view->find_instance(target.ip, static_cast<std::uint16_t>(target.port),
                                             target.cluster))
          touch(*found, target.ephemeral);
  }
  out.end_array().end_object();
  batch.answer_json = out.take();
  return batch;
}

} // namespace nacre
