#pragma once

#include "http/server/routes.hpp"

namespace nacre {

/// `POST /nacre/test/actors/{id}/kill`: ends one actor as a crash would, so that tests can see the
/// node heal. In test builds only.
void add_kill_route(route_table& table);

} // namespace nacre
