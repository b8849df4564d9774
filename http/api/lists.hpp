#pragma once

#include <string_view>

#include "actors/distro/subscriber_survey.hpp"
#include "actors/tables/service_view.hpp"
#include "http/server/http_call.hpp"

/// What reads of all versions have in common: finding services, lists and instances.
namespace nacre {

/// The view of a service that exists for lists, null else.
service_view_ptr find_listed(const http_call& c, const service_key_view& key);

/// Whether a service has so many instances or subscribers that reading all of them takes long.
bool is_large(const http_call& c, const service_key_view& key);

/// The same of the service that the request names; for `read_handler::long_when`.
bool names_large_service(const http_call& c);

/// Refuses (400/21008) if the service does not exist.
service_view_ptr find_or_refuse_service(const http_call& c, const service_key_view& key);

/// The instance a read asks for; refuses as recorded (404/20004) if there is none.
instance find_or_refuse_instance(const http_call& c, const service_key_view& key,
                                 std::string_view ip, std::uint16_t port, std::string_view cluster);

/// Bytes of the list answer, also for a service that does not exist.
rendered_list_ptr list_of(const http_call& c, const service_key_view& key,
                          const instance_selection& wanted);

/// Answers with the subscribers that match: those of this node, or of all nodes if `everywhere`.
std::optional<reply> answer_subscribers(const http_call& c, subscriber_filter wanted,
                                        bool everywhere, render_subscribers render);

/// Names the nodes of which rows may be missing, if there are any.
void write_incomplete(json_writer& out, const std::vector<std::string>& nodes);

/// Makes the caller a UDP subscriber if it asks for it and its agent qualifies.
void subscribe_by_query(const http_call& c, const service_key_view& key, std::string_view clusters,
                        std::string_view ip, std::string_view port_text);

} // namespace nacre
