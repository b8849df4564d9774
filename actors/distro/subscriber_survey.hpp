#pragma once

#include <functional>
#include <mutex>
#include <set>

#include "actors/distro/peer_survey.hpp"
#include "actors/node_context.hpp"

namespace nacre {

/// More rows of one node are left out, and the answer says so.
inline constexpr std::size_t subscriber_rows_max = 10'000;

/// The subscribers that this node itself knows. Any thread.
subscriber_rows subscribers_here(const node_context& context, const subscriber_filter& wanted);

/// Writes the answer: all rows, sorted, and the nodes of which some may be missing.
using render_subscribers = std::function<std::string(const std::vector<subscriber_row>& rows,
                                                     const std::vector<std::string>& incomplete)>;

/// Asks all other members too (Nacos `SubscribeManager`, aggregation); `answer` gets what `render`
/// wrote. In a cluster only.
void survey_subscribers(const node_context& context, subscriber_filter wanted,
                        render_subscribers render, ticket_ptr answer);

} // namespace nacre
