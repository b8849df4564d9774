#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/instance.hpp"

/// What names and numbers a request may hold, and the recorded text when it does not.
/// Each check gives nothing when all is well. Held to Nacos `ParamCheckRule`,
/// `DefaultParamChecker` and `NamingUtils`. Pure, any thread.
namespace nacre {

using complaint = std::optional<std::string>;

/// Raw texts of one request as the param check sees them; blank ones always pass.
struct checked_names {
  std::string_view namespace_id;
  std::string_view namespace_show_name;
  std::string_view service_name;
  std::string_view group;
  std::string_view cluster;
  /// Comma separated, each checked like `cluster`.
  std::string_view clusters;
  std::string_view ip;
  std::string_view port;
};

complaint check_names(const checked_names& names);

complaint check_metadata_length(const metadata_map& map, std::size_t chars_max);

/// How many names a `clusters` text may hold, and how long they may be together: a node compares
/// them with every instance. Not a matter of `nacos.core.param.check.enabled`.
complaint check_clusters_size(std::string_view clusters, std::size_t names_max);

/// The two above as a node is told to use them: `nacos.core.param.check.enabled` switches both,
/// whatever brings the text. Bounds of bytes hold all the same, they are other rules' business.
struct param_check {
  bool enabled = true;
  /// `nacos.naming.service.metadata.length`
  std::size_t metadata_chars_max = 1024;

  complaint names(const checked_names& x) const { return enabled ? check_names(x) : complaint{}; }
  complaint metadata(const metadata_map& x) const {
    return enabled ? check_metadata_length(x, metadata_chars_max) : complaint{};
  }
};

/// Cluster name and lease terms of an instance that is registered or updated.
complaint check_instance(const instance& x);

/// Weight of an instance; `NaN` passes as it does on the real server.
complaint check_weight(double weight);

/// Why a service of one kind takes no instance of the other (spec/semantics.md §7.2).
std::string kind_conflict_text(std::string_view grouped_name, bool is_persistent);

/// Why a service is not created again.
std::string service_exists_text(std::string_view grouped_name);

/// Why nothing is done about a service.
std::string service_not_found_text(std::string_view grouped_name);

/// Why a service is not removed.
std::string not_empty_text(std::string_view grouped_name);

/// `group@@name` cut in two. A third part is lost, as Nacos' `NamingUtils` does.
struct grouped_parts {
  std::string_view group;
  std::string_view name;
};
grouped_parts split_grouped_name(std::string_view text);

/// Whether `text` is `group@@name` with both parts filled; else the recorded complaint.
complaint check_grouped_name(std::string_view text);

} // namespace nacre
