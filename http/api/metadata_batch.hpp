#pragma once

#include <string>
#include <vector>

#include "actors/messages/metadata.hpp"
#include "http/server/http_call.hpp"

namespace nacre {

/// `PUT` and `DELETE …/instance/metadata/batch` of all versions.
struct metadata_batch {
  std::vector<override_change> changes;
  /// `{"updated":[…]}`
  std::string answer_json;
};

/// @param remove the keys of `metadata` are taken away instead of added
metadata_batch make_metadata_batch(const http_call& c, const service_key_view& key,
                                   const metadata_map& metadata, bool remove);

} // namespace nacre
