#include "protocol/naming_request.hpp"

#include <cmath>
#include <limits>

#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Entries of one map and elements of one array that are read: more than any metadata or batch of a
/// client has. Ten bytes of a request become hundreds of ours.
constexpr std::size_t items_max = 100'000;

const json_value& bounded(const json_value& x) {
  if (x.size() > items_max)
    throw unreadable_request{};
  return x;
}

/// Fields of one JSON object, converted as Jackson converts scalars.
class object_reader {
public:
  explicit object_reader(json_value object) : object_(object) {
    if (!object_.is_object())
      throw unreadable_request{};
  }

  json_value operator[](std::string_view key) const { return object_[key]; }

  /// Nothing if it is missing or null.
  std::optional<std::string> text(std::string_view key) const { return text_of(object_[key]); }

  std::string text_or(std::string_view key, std::string_view otherwise) const {
    auto x = text(key);
    return x && !is_blank(*x) ? std::move(*x) : std::string(otherwise);
  }

  std::int32_t integer(std::string_view key) const {
    auto x = real(key, 0);
    if (!(std::abs(x) <= std::numeric_limits<std::int32_t>::max()))
      throw unreadable_request{};
    return static_cast<std::int32_t>(x);
  }

  /// A null is 0 as in a Java primitive; only a missing one has the default.
  double real(std::string_view key, double missing) const {
    auto x = object_[key];
    if (!x)
      return missing;
    if (x.is_null())
      return 0;
    if (auto number = x.number())
      return *number;
    auto words = x.string();
    auto parsed = words ? parse_double(trim(*words)) : std::nullopt;
    if (!parsed && !(words && is_blank(*words)))
      throw unreadable_request{};
    return parsed.value_or(0);
  }

  bool boolean(std::string_view key, bool missing) const {
    auto x = object_[key];
    return x ? boolean_of(x) : missing;
  }

  static bool boolean_of(const json_value& x) {
    if (x.is_null())
      return false;
    if (auto value = x.boolean())
      return *value;
    if (auto number = x.number())
      return *number != 0;
    auto words = trim(x.string().value_or("?"));
    if (words.empty() || words == "false" || words == "False")
      return false;
    if (words == "true" || words == "True")
      return true;
    throw unreadable_request{};
  }

  /// An object of scalars; null values are left out.
  metadata_map map(std::string_view key) const {
    metadata_map result;
    auto x = object_[key];
    if (!x || x.is_null())
      return result;
    if (!x.is_object())
      throw unreadable_request{};
    for (auto [name, value] : bounded(x).members())
      if (auto text = text_of(value))
        result.emplace_back(name, std::move(*text));
    return make_metadata(std::move(result));
  }

  /// The elements of an array; nothing if it is missing or null.
  std::optional<std::vector<json_value>> array(std::string_view key) const {
    auto x = object_[key];
    if (!x || x.is_null())
      return std::nullopt;
    if (!x.is_array())
      throw unreadable_request{};
    return bounded(x).elements();
  }

  static std::optional<std::string> text_of(json_value x) {
    if (!x || x.is_null())
      return std::nullopt;
    auto text = x.scalar_text();
    if (!text)
      throw unreadable_request{};
    return text;
  }

private:
  json_value object_;
};

void read_names(const object_reader& in, named_request& request) {
  request.namespace_id = in.text_or("namespace", default_namespace);
  request.group = in.text_or("groupName", default_group);
  request.service_name = in.text("serviceName").value_or("");
}

requested_instance read_instance(json_value object) {
  object_reader in(object);
  requested_instance x;
  x.what.ip = in.text("ip").value_or("");
  x.port = in.integer("port");
  x.what.weight = in.real("weight", 1.0);
  x.what.healthy = in.boolean("healthy", true);
  x.what.enabled = in.boolean("enabled", true);
  x.what.cluster_name = in.text_or("clusterName", default_cluster);
  x.what.metadata = in.map("metadata");
  x.given_id = in.text("instanceId").value_or("");
  x.service_name = in.text("serviceName").value_or("");
  return x;
}

} // namespace

instance_request parse_instance_request(std::string_view body) {
  json_document document(body);
  object_reader in(document.root());
  instance_request request;
  read_names(in, request);
  request.type = in.text("type").value_or("");
  if (auto x = in["instance"]; x && !x.is_null())
    request.what = read_instance(x);
  if (auto elements = in.array("instances")) {
    request.batch.emplace();
    for (auto& x : *elements)
      request.batch->push_back(read_instance(x));
  }
  return request;
}

list_request parse_list_request(std::string_view body) {
  json_document document(body);
  object_reader in(document.root());
  list_request request;
  read_names(in, request);
  // A query calls it `cluster`, a subscription `clusters`.
  request.clusters = in.text("cluster").value_or(in.text("clusters").value_or(""));
  request.healthy_only = in.boolean("healthyOnly", false);
  request.subscribe = in.boolean("subscribe", false);
  return request;
}

service_list_request parse_service_list_request(std::string_view body) {
  json_document document(body);
  object_reader in(document.root());
  service_list_request request;
  read_names(in, request);
  request.page_no = in.integer("pageNo");
  request.page_size = in.integer("pageSize");
  return request;
}

fuzzy_watch_request parse_fuzzy_watch_request(std::string_view body) {
  json_document document(body);
  object_reader in(document.root());
  fuzzy_watch_request request;
  request.pattern = in.text("groupKeyPattern").value_or("");
  request.watch_type = in.text("watchType").value_or("");
  request.initializing = in.boolean("initializing", false);
  if (auto elements = in.array("receivedGroupKeys"))
    for (auto& x : *elements)
      if (auto key = object_reader::text_of(x))
        request.received_keys.push_back(std::move(*key));
  return request;
}

setup_request parse_setup_request(std::string_view body) {
  json_document document(body);
  object_reader in(document.root());
  setup_request request;
  request.client_version = in.text("clientVersion").value_or("");
  request.tenant = in.text("tenant").value_or("");
  request.labels = in.map("labels");
  auto abilities = in["abilityTable"];
  request.has_abilities = abilities && !abilities.is_null();
  if (request.has_abilities) {
    object_reader table(abilities);
    for (auto& [name, value] : bounded(abilities).members())
      object_reader::boolean_of(value); // one that is no boolean spoils the whole setup
    request.watches_fuzzily = table.boolean("fuzzyWatch", false);
  }
  return request;
}

client_answer parse_client_answer(std::string_view body) {
  json_document document(body);
  object_reader in(document.root());
  client_answer answer;
  answer.request_id = in.text("requestId").value_or("");
  answer.ok = in.integer("resultCode") == 200;
  return answer;
}

void check_request_body(std::string_view body) {
  json_document document(body);
  object_reader in(document.root());
}

} // namespace nacre
