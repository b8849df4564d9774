// /v1/auth and /v3/auth: the log-in of clients that are configured with a user (Nacos
// `UserController.login`). Authentication is off in this version, so whoever names a user gets the
// token that Nacos gives then, which says so and grants nothing.
#include "http/server/routes.hpp"

namespace nacre {

namespace {

constexpr std::string_view token = "AUTH_DISABLED";

reply token_reply(std::string_view username) {
  json_writer out;
  out.begin_object()
    .field("accessToken", token)
    .field("tokenTtl", 18'000) // seconds
    .field("globalAdmin", true)
    .field("username", username)
    .end_object();
  auto answer = json_reply(out.take());
  answer.more_headers = "Authorization: Bearer " + std::string(token) + "\r\n";
  return answer;
}

std::optional<reply> login_v1(http_call& c) {
  auto username = c.optional("username");
  return username.empty() ? text_error(403, "user not found!") : token_reply(username);
}

std::optional<reply> login_v3(http_call& c) {
  auto username = c.optional("username");
  return username.empty() ? container_error(403, "Access Denied", c.request.uri)
                          : token_reply(username);
}

} // namespace

void add_login_routes(route_table& table) {
  constexpr auto core = api_family::core;
  table["/v1/auth/login"] = table["/v1/auth/users/login"] = {.family = core, .post = login_v1};
  table["/v3/auth/user/login"] = {.family = core, .post = login_v3};
}

} // namespace nacre
