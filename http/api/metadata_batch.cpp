#include "http/api/metadata_batch.hpp"

#include <map>
#include <tuple>

#include "http/api/lists.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Of all changes of one request: they are agreed on at once, and so have to fit one message.
constexpr std::size_t changes_bytes_max = 4 * 1024 * 1024;

/// An instance that the request names.
struct batch_target {
  std::string ip;
  std::uint16_t port = 0;
  std::string cluster;
  bool ephemeral = true;
  /// Null if the service has none there.
  const instance* found = nullptr;
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
  bool is_empty = true;
  for (auto& x : root.elements()) {
    is_empty = false;
    auto cluster = x["clusterName"].scalar_text().value_or("");
    auto port = parse_int32(x["port"].scalar_text().value_or("0")).value_or(0);
    if (port >= 0 && port <= 65535)
      targets.push_back({x["ip"].scalar_text().value_or(""), static_cast<std::uint16_t>(port),
                         is_blank(cluster) ? std::string(default_cluster) : std::move(cluster),
                         x["ephemeral"].boolean().value_or(true)});
  }
  if (is_empty)
    return std::nullopt;
  return targets;
}

using instance_place = std::tuple<std::string_view, std::uint16_t, std::string_view>;

/// However many are named, what connections published is gone through once at most. One that is
/// named twice is changed once.
void find_targets(const service_view& view, std::vector<batch_target>& targets) {
  std::map<instance_place, batch_target*> wanted;
  for (auto& x : targets)
    wanted.try_emplace({x.ip, x.port, x.cluster}, &x);
  std::erase_if(wanted, [&](auto& x) {
    auto& target = *x.second;
    return (target.found = view.find_published(target.ip, target.port, target.cluster));
  });
  if (wanted.empty() || view.connections == 0)
    return;
  view.publications.for_each([&](const publication_ptr& x) {
    if (!is_connection(x->lease->client.kind))
      return;
    for (auto& one : x->instances)
      if (auto i = wanted.find({one.ip, one.port, one.cluster_name});
          i != wanted.end() && !i->second->found)
        i->second->found = &one;
  });
}

/// Gathers the changes, and what is answered of them.
class batch_writer {
public:
  batch_writer(const http_call& c, const metadata_map& metadata, override_change::kind how)
    : call_(c), metadata_(metadata), how_(how) {
    for (auto& [key, value] : metadata)
      bytes_of_one_ += 8 + key.size() + value.size();
    out_.begin_object().key("updated").begin_array();
  }

  void add(const instance& published, bool ephemeral_as_asked) {
    // The reference resets weight and enabled to 1 and true here when there was no override; an
    // operator who adds a key to the metadata did not ask for that.
    auto id = published.metadata_id();
    bytes_ += bytes_of_one_ + id.size();
    if (bytes_ > changes_bytes_max)
      call_.refuse(result_code::parameter_validate_error,
                   "the changes take more than " + std::to_string(changes_bytes_max)
                     + " bytes: name fewer instances in one request");
    batch_.changes.push_back(
      {std::move(id), {published.weight, published.enabled, metadata_}, how_});
    out_.string(published.ip + ':' + std::to_string(published.port) + ":unknown:"
                + published.cluster_name + (ephemeral_as_asked ? ":ephemeral" : ":persist"));
  }

  metadata_batch finish() {
    out_.end_array().end_object();
    batch_.answer_json = out_.take();
    return std::move(batch_);
  }

private:
  const http_call& call_;
  const metadata_map& metadata_;
  const override_change::kind how_;
  /// Of a change beside its id, about.
  std::size_t bytes_of_one_ = 64;
  std::size_t bytes_ = 0;
  metadata_batch batch_;
  json_writer out_;
};

} // namespace

metadata_batch make_metadata_batch(const http_call& c, const service_key_view& key,
                                   const metadata_map& metadata, bool remove) {
  auto targets = read_targets(c);
  auto view = find_listed(c, key);
  using kind = override_change::kind;
  batch_writer batch(c, metadata, remove ? kind::remove_metadata : kind::add_metadata);
  if (view && targets) {
    find_targets(*view, *targets);
    for (auto& x : *targets)
      if (x.found)
        batch.add(*x.found, x.ephemeral);
  } else if (view) {
    view->publications.for_each([&](const publication_ptr& x) {
      for (auto& one : x->instances)
        batch.add(one, one.ephemeral);
    });
  }
  return batch.finish();
}

} // namespace nacre
