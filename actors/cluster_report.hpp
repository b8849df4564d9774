#pragma once

#include <vector>

#include "actors/cluster_view.hpp"
#include "protocol/json_writer.hpp"

/// The cluster as operators read it, in JSON (`GET /nacre/admin/cluster`). Pure, any thread.
namespace nacre {

/// A peer's wire, lag, pending changes and last verify.
void write_peer(json_writer& out, const cluster_peer& peer, std::int64_t now_ms);

/// Records as an array of client, version, state, origin and instances.
void write_records(json_writer& out, const std::vector<instance_record>& records);

} // namespace nacre
