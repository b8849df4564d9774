#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/tables/service_view.hpp"
#include "http/server/http_call.hpp"

/// Service descriptions as the versions of the API show them.
namespace nacre {

/// Names of the clusters that have instances now or stored settings, in order.
std::vector<std::string> cluster_names(const service_view& view, bool with_stored);

/// Its instances, those of each cluster together, clusters in order.
std::map<std::string, std::vector<instance>> instances_by_cluster(const service_view& view);

metadata_map metadata_of(const service_view& view);

selector selector_of(const service_view& view);

/// A row of the operators' service lists: name, counts, `triggerFlag`.
void write_summary(json_writer& out, const service_view& view);

struct service_filter {
  std::string_view name_part;
  std::string_view group_part;
  bool ignore_empty = false;
};

/// Listed services of a namespace that match, in order.
std::vector<service_view_ptr> matching_services(const http_call& c, std::string_view namespace_id,
                                                const service_filter& filter);

/// Rows of one page at most, whatever a caller asks for.
inline constexpr std::int32_t page_size_max = 10'000;

/// The part of `all` that is page `page` of `size`; pages below 1 are the first.
template <class Items>
Items page_of(const Items& all, std::int64_t page, std::int64_t size) {
  auto count = static_cast<std::int64_t>(all.size());
  auto from = size < 1 ? count : std::min(count, (std::max<std::int64_t>(page, 1) - 1) * size);
  auto until = std::min(count, from + std::max<std::int64_t>(size, 0));
  return Items(all.begin() + from, all.begin() + until);
}

/// The same for a page that tells of all instances of its services. Refused if it has several
/// services and they more than 200,000 instances: an answer is made in memory as a whole.
std::vector<service_view_ptr> page_with_instances(const http_call& c,
                                                  const std::vector<service_view_ptr>& all,
                                                  std::int64_t page, std::int64_t size);

/// `{"totalCount","pageNumber","pagesAvailable","pageItems":[` of v3; items and the end follow.
void begin_page(json_writer& out, std::size_t total, std::int64_t page, std::int64_t size);

/// `{"ips":["ip:port_healthy",…]}`
std::string statuses_json(const http_call& c, const service_key_view& key);

/// `{"TCP":{},…}`
std::string checkers_json();

} // namespace nacre
