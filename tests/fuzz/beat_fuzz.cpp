// JSON and text values of requests: beat, metadata, selector, health checker. What was read is
// written as lists show it, and must read the same again.
#include <algorithm>

#include "fuzz.hpp"
#include "protocol/beat.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/naming_rules.hpp"
#include "protocol/service_metadata.hpp"

using namespace nacre;

namespace {

template <class Value>
std::string json_of(const Value& x) {
  json_writer out;
  write(out, x);
  fuzz::require_json(out.view());
  return out.take();
}

void check_map(const metadata_map& map) {
  auto not_rising = [](const auto& a, const auto& b) { return a.first >= b.first; };
  fuzz::require(std::adjacent_find(map.begin(), map.end(), not_rising) == map.end(),
                "metadata is not sorted, or a key repeats");
  auto terms = lease_terms_of(map);
  fuzz::require(terms.delete_timeout_ms <= INT32_MAX, "a term may overflow");
  check_metadata_length(map, 1024);
  exempt_from_beat_checks(map);
}

void check_beat(std::string_view text) {
  std::string reason;
  auto beat = parse_beat(text, reason);
  fuzz::require(beat.has_value() == reason.empty(), "a refusal without a reason");
  fuzz::require_utf8(reason);
  if (!beat)
    return;
  check_map(beat->metadata);
  instance x;
  x.ip = beat->ip;
  x.cluster_name = beat->cluster;
  x.weight = beat->weight;
  x.metadata = beat->metadata;
  x.generator = id_generator::simple;
  check_instance(x);
  check_weight(x.weight);
  json_writer out;
  write_host(out, {default_namespace, default_group, beat->service_name}, x, true);
  fuzz::require_json(out.view());
}

void check_metadata(std::string_view text) {
  auto map = parse_metadata(text);
  if (!map)
    return;
  check_map(*map);
  fuzz::require(merged(*map, *map) == *map, "metadata merged with itself differs");
  fuzz::require(parse_metadata(json_of(*map)) == map, "metadata reads differently");
}

void check_selector(std::string_view text) {
  auto read = parse_selector(text);
  if (!read.value)
    return;
  auto again = parse_selector(json_of(*read.value));
  fuzz::require(again.value && again.value->expression == read.value->expression
                  && again.value->labels == read.value->labels,
                "a selector reads differently");
}

void check_health_checker(std::string_view text) {
  auto read = parse_health_checker(text);
  if (!read)
    return;
  auto again = parse_health_checker(json_of(*read));
  fuzz::require(again && again->type == read->type, "a health checker reads differently");
  if (read->type == health_checker::kind::http)
    fuzz::require(again->path == read->path && again->headers == read->headers
                    && again->expected_response_code == read->expected_response_code,
                  "an HTTP checker reads differently");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // As parameters arrive: always UTF-8.
  std::string text(fuzz::text_of(data, size));
  make_valid_utf8(text);
  check_beat(text);
  check_metadata(text);
  check_selector(text);
  check_health_checker(text);
  return 0;
}
