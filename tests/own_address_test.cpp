#include "http/net/own_address.hpp"

#include "config/config_error.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace nacre;

namespace {

using texts = std::vector<std::string>;

/// A machine with two interfaces, and a name server that knows three hosts.
host_addresses known_hosts() {
  const std::map<std::string, texts> names = {{"node-1", {"10.0.0.1"}},
                                              {"node-2", {"10.0.0.2"}},
                                              {"localhost", {"127.0.0.1", "::1"}},
                                              {"0:0:0:0:0:0:0:1", {"::1"}},
                                              {"fd00:0::1", {"fd00::1"}}};
  return {[names](const std::string& host) -> texts {
            if (auto known = names.find(host); known != names.end())
              return known->second;
            const bool numeric =
              host.find_first_not_of("0123456789.") == host.npos || host.find(':') != host.npos;
            return numeric ? texts{host} : texts{};
          },
          {"127.0.0.1", "10.0.0.1", "::1", "fd00::1"}};
}

std::string error_of(const texts& members, const std::string& ip, std::uint16_t port) {
  try {
    return "none: " + own_member(members, ip, port, known_hosts());
  } catch (const config_error& error) {
    return error.what();
  }
}

} // namespace

TEST_CASE("a node finds itself in the list of members, as the list spells it") {
  const struct {
    texts members;
    std::string ip;
    std::uint16_t port;
    std::string own;
  } cases[] = {
    {{"10.0.0.1:8848", "10.0.0.2:8848"}, "", 8848, "10.0.0.1:8848"},
    {{"10.0.0.1:8848", "10.0.0.1:8850"}, "", 8850, "10.0.0.1:8850"},
    {{"127.0.0.1:8848", "127.0.0.1:8850"}, "", 8848, "127.0.0.1:8848"},
    {{"127.0.0.9:8848", "10.0.0.2:8848"}, "", 8848, "127.0.0.9:8848"},
    {{"node-1:8848", "node-2:8848", "unknown:8848"}, "", 8848, "node-1:8848"},
    {{"[fd00:0::1]:8848", "[fd00::2]:8848"}, "", 8848, "[fd00:0::1]:8848"},
    {{"[0:0:0:0:0:0:0:1]:8848", "node-2:8848"}, "", 8848, "[0:0:0:0:0:0:0:1]:8848"},
    // Told, it need not be an address of this machine: it may stand behind another one.
    {{"10.0.0.1:8848", "10.0.0.2:8848"}, "10.0.0.2", 8848, "10.0.0.2:8848"},
    {{"192.0.2.1:8848", "10.0.0.1:8848"}, "192.0.2.1", 8848, "192.0.2.1:8848"},
    {{"127.0.0.1:8848", "127.0.0.2:8848"}, "127.0.0.2", 8848, "127.0.0.2:8848"},
    {{"unknown:8848", "node-1:8848"}, "unknown", 8848, "unknown:8848"},
    {{"[fd00::2]:8848", "[fd00::1]:8848"}, "fd00::2", 8848, "[fd00::2]:8848"},
    {{"[fd00::2]:8848", "[fd00::1]:8848"}, "[fd00::2]", 8848, "[fd00::2]:8848"},
  };
  for (const auto& x : cases) {
    CAPTURE(x.own);
    CHECK(own_member(x.members, x.ip, x.port, known_hosts()) == x.own);
  }
}

TEST_CASE("a node that is not in the list, or more than once, is told what to do") {
  const std::string add = ": add it to the list, or set --server-ip (nacos.server.ip) to the "
                          "address the list knows it by";
  CHECK(
    error_of({"10.0.0.2:8848", "10.0.0.1:8850"}, "", 8848)
    == "the list of members (10.0.0.2:8848, 10.0.0.1:8850) names no node that is this one, looked "
       "for port 8848 on 127.0.0.1, 10.0.0.1, ::1, fd00::1"
         + add);
  CHECK(error_of({"10.0.0.2:8848"}, "10.0.0.3", 8848)
        == "the list of members (10.0.0.2:8848) names no node that is this one, looked for "
           "10.0.0.3:8848"
             + add);
  CHECK(error_of({"10.0.0.2:8848"}, "fd00::3", 8848).find("looked for [fd00::3]:8848")
        != std::string::npos);
  CHECK(
    error_of({"127.0.0.1:8848", "127.0.0.2:8848"}, "", 8848)
    == "the list of members (127.0.0.1:8848, 127.0.0.2:8848) names this node more than once, as "
       "127.0.0.1:8848, 127.0.0.2:8848, looked for port 8848 on 127.0.0.1, 10.0.0.1, ::1, "
       "fd00::1: keep one of them, or, if the others are nodes of their own, set --server-ip "
       "(nacos.server.ip)");
  CHECK(error_of({"10.0.0.1:8848", "node-1:8848"}, "10.0.0.1", 8848)
        == "the list of members (10.0.0.1:8848, node-1:8848) names this node more than once, as "
           "10.0.0.1:8848, node-1:8848, looked for 10.0.0.1:8848: keep one of them");
  CHECK(
    error_of({"node-1:8848", "node-2:8848"}, "10.0.0.1", 8848)
    == "the list of members (node-1:8848, node-2:8848) names this node as node-1:8848, looked for "
       "10.0.0.1:8848: all nodes have to spell it alike, so set --server-ip (nacos.server.ip) to "
       "node-1");
  CHECK(error_of(texts(500, "10.0.0.2:8848"), "", 8848).size() < 1'000);
}

TEST_CASE("the system knows this machine's addresses and how they are spelled") {
  const auto system = system_addresses();
  CHECK(system.of("127.0.0.1") == texts{"127.0.0.1"});
  CHECK(system.of("0:0:0:0:0:0:0:1") == texts{"::1"});
  CHECK(system.of("").empty());
  CHECK(std::find(system.own.begin(), system.own.end(), "127.0.0.1") != system.own.end());
  CHECK(own_member({"127.0.0.1:1", "192.0.2.1:1"}, "", 1) == "127.0.0.1:1");
}
