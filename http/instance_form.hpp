#pragma once

#include <string>
#include <string_view>

#include "actors/service_view.hpp"
#include "http/call.hpp"

/// What the instance calls of v1, v2 and v3 have in common: reading the form, finding the
/// service, sending the write to its shard.
namespace nacre {

/// An instance as a request describes it, with the service it is for.
struct instance_form {
  service_ref service;
  instance what;

  client_id client() const {
    return {what.ip, what.port, what.ephemeral ? client_kind::ephemeral : client_kind::persistent};
  }
};

/// v1: aliases, trimmed values, plain text errors. `decimal` parts are checked.
instance_form read_v1_form(const call& c);

/// v2 and v3: no aliases, result errors.
instance_form read_v2_form(const call& c);

/// Parses the `metadata` parameter; refuses with `refuse(text)`.
metadata_map read_metadata(const call& c, reply (*refuse)(std::string_view));

/// Sends the registration; the ticket answers.
void send_register(const call& c, instance_form form, change_reason why, ticket_ptr answer);
void send_deregister(const call& c, const instance_form& form, ticket_ptr answer);

/// Puts weight, enabled and metadata of `form` over the instance.
void send_overlay(const call& c, const instance_form& form, ticket_ptr answer);

/// The view of a service that exists for lists, null else.
service_view_ptr find_listed(const call& c, const service_key_view& key);

/// Bytes of the list answer, also for a service that does not exist.
rendered_list_ptr list_of(const call& c, const service_key_view& key,
                          const instance_selection& wanted);

/// Makes the caller a UDP subscriber if it asks for it and its agent qualifies; a known
/// subscription is renewed without a message.
void subscribe_by_query(const call& c, const service_key_view& key, std::string_view clusters,
                        std::string_view ip, std::string_view port_text);

/// The instance a read asks for, or the recorded 404 by `refuse(text)`.
instance find_or_refuse(const call& c, const service_key_view& key, std::string_view ip,
                        std::uint16_t port, std::string_view cluster,
                        reply (*refuse)(std::string_view));

/// `PUT` and `DELETE …/instance/metadata/batch` of all versions.
struct metadata_batch {
  std::vector<overlay_change> changes;
  /// `{"updated":[…]}`
  std::string answer_json;
};
metadata_batch make_metadata_batch(const call& c, const service_key_view& key,
                                   const metadata_map& metadata, bool remove);

/// What a beat asks for, of all versions.
struct beat_request {
  service_ref service;
  std::string ip;
  std::uint16_t port = 0;
  std::string cluster;
  /// Set for a full beat.
  std::optional<instance> full;
};

/// Renews the lease. Answers at once unless an actor has to hear of it.
std::optional<reply> answer_beat(const call& c, const beat_request& beat);

/// Reads the parameters of a beat; refuses bad ones.
beat_request read_beat(const call& c);

} // namespace nacre
