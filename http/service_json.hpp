#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/service_view.hpp"
#include "http/call.hpp"

/// Service descriptions as the versions of the API show them.
namespace nacre {

/// Names of the clusters that have instances now or stored settings, in order.
std::vector<std::string> cluster_names(const service_view& view, bool with_stored);

cluster_metadata cluster_of(const service_view& view, std::string_view name);

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
std::vector<service_view_ptr> matching_services(const call& c, std::string_view namespace_id,
                                                const service_filter& filter);

/// The part of `all` that is page `page` (from 1) of `size`.
template <class Items>
Items page_of(const Items& all, std::int64_t page, std::int64_t size) {
  auto count = static_cast<std::int64_t>(all.size());
  auto from = page < 1 || size < 1 ? count : std::min(count, (page - 1) * size);
  auto until = std::min(count, from + std::max<std::int64_t>(size, 0));
  return Items(all.begin() + from, all.begin() + until);
}

/// `{"totalCount","pageNumber","pagesAvailable","pageItems":[` of v3; items and the end follow.
void begin_page(json_writer& out, std::size_t total, std::int64_t page, std::int64_t size);

/// Reads the form of `POST` and `PUT …/service` into stored metadata; refuses with result or text
/// errors.
service_metadata read_service_form(const call& c, bool result_errors);

/// Reads and stores the settings of one cluster (`PUT …/cluster`).
void send_cluster_update(const call& c, const service_key_view& key, bool result_errors,
                         ticket_ptr answer);

/// Sets the health of a persistent instance by hand (`PUT …/health`).
std::optional<reply> set_health(const call& c, const service_key_view& key, std::string_view ip,
                                std::int32_t port, std::string_view cluster, bool healthy,
                                bool result_errors);

/// `{"TCP":{},…}`
std::string checkers_json();

} // namespace nacre
