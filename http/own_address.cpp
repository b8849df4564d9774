#include "http/own_address.hpp"

#include <climits>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

namespace nacre {

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

} // namespace nacre
