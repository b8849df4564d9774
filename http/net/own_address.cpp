#include "http/net/own_address.hpp"

#include <algorithm>
#include <climits>
#include <memory>
#include <string_view>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include "config/config_error.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

using texts = std::vector<std::string>;

/// A numeric address in its one spelling, without the scope of a link-local one: the scope's name
/// differs from node to node. Empty for a family that is no IP.
std::string numeric(const sockaddr& address) {
  const auto size = address.sa_family == AF_INET    ? sizeof(sockaddr_in)
                    : address.sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                                    : 0;
  char text[NI_MAXHOST];
  if (size == 0
      || getnameinfo(&address, static_cast<socklen_t>(size), text, sizeof text, nullptr, 0,
                     NI_NUMERICHOST)
           != 0)
    return {};
  const std::string_view shown = text;
  return std::string(shown.substr(0, shown.find('%')));
}

void add_new(texts& list, std::string text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end())
    list.push_back(std::move(text));
}

texts resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM; // else each address comes once per kind of socket
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0)
    return {};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  texts result;
  for (auto x = list; x; x = x->ai_next)
    add_new(result, numeric(*x->ai_addr));
  return result;
}

texts interface_addresses() {
  ifaddrs* list = nullptr;
  texts result;
  if (getifaddrs(&list) != 0)
    return result;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (auto x = list; x; x = x->ifa_next)
    if (x->ifa_addr)
      add_new(result, numeric(*x->ifa_addr));
  return result;
}

std::string joined(const texts& list) {
  constexpr std::size_t shown_max = 20; // of a big cluster the error stays one readable line
  std::string result;
  for (std::size_t i = 0; i < std::min(list.size(), shown_max); ++i)
    result += (i == 0 ? "" : ", ") + list[i];
  return result + (list.size() > shown_max ? ", ..." : "");
}

bool is_any_of(const texts& addresses, const texts& own) {
  return std::any_of(addresses.begin(), addresses.end(), [&](const std::string& x) {
    return std::find(own.begin(), own.end(), x) != own.end();
  });
}

bool is_loopback(const texts& addresses) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [](const std::string& x) { return x.starts_with("127."); });
}

std::string without_brackets(const std::string& host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

} // namespace

std::string first_own_ip() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0)
    return "127.0.0.1";
  std::string found = "127.0.0.1";
  unsigned best = UINT_MAX;
  for (auto x = list; x; x = x->ifa_next) {
    if (!x->ifa_addr || x->ifa_addr->sa_family != AF_INET || (x->ifa_flags & IFF_UP) == 0
        || (x->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    char text[INET_ADDRSTRLEN];
    auto& address = reinterpret_cast<sockaddr_in*>(x->ifa_addr)->sin_addr;
    auto index = if_nametoindex(x->ifa_name);
    if (index < best && inet_ntop(AF_INET, &address, text, sizeof text)) {
      best = index;
      found = text;
    }
  }
  freeifaddrs(list);
  return found;
}

host_addresses system_addresses() { return {resolve, interface_addresses()}; }

std::string own_member(const texts& members, const std::string& server_ip, std::uint16_t port,
                       const host_addresses& addresses) {
  const bool told = !server_ip.empty();
  const auto host = without_brackets(server_ip);
  const auto port_text = ':' + std::to_string(port);
  const auto exact = (host.find(':') == host.npos ? host : '[' + host + ']') + port_text;
  const auto own = told ? addresses.of(host) : addresses.own;
  texts found;
  for (const auto& member : members) {
    const auto colon = std::min(member.rfind(':'), member.size());
    if (member.substr(colon) != port_text)
      continue;
    const auto its = addresses.of(without_brackets(member.substr(0, colon)));
    // A machine answers on all of 127.0.0.0/8, whatever its interface says.
    if ((told && member == exact) || is_any_of(its, own) || (!told && is_loopback(its)))
      found.push_back(member);
  }
  const std::string list = "the list of members (" + joined(members) + ") names ";
  const std::string wanted = told ? exact : "port " + std::to_string(port) + " on " + joined(own);
  const std::string remedy = "--server-ip (nacos.server.ip)";
  if (found.empty())
    throw config_error(list + "no node that is this one, looked for " + wanted
                       + ": add it to the list, or set " + remedy
                       + " to the address the list knows it by");
  if (found.size() > 1)
    throw config_error(list + "this node more than once, as " + joined(found) + ", looked for "
                       + wanted + ": keep one of them"
                       + (told ? "" : ", or, if the others are nodes of their own, set " + remedy));
  if (told && found[0] != exact)
    throw config_error(list + "this node as " + found[0] + ", looked for " + wanted
                       + ": all nodes have to spell it alike, so set " + remedy + " to "
                       + found[0].substr(0, found[0].rfind(':')));
  return found[0];
}

} // namespace nacre
