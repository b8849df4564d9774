#include "protocol/client_agent.hpp"

#include "protocol/client_id.hpp"
#include "protocol/switch_domain.hpp"

#include <doctest/doctest.h>

#include <string>
#include <unordered_set>
#include <vector>

using namespace nacre;

TEST_CASE("versions are three numbers with dots") {
  CHECK(parse_version("1.4.8") == agent_version{1, 4, 8});
  CHECK(parse_version("0.0.0") == agent_version{0, 0, 0});
  CHECK(parse_version("010.2.0012") == agent_version{10, 2, 12});
  CHECK(parse_version("4294967295.0.1") == agent_version{4294967295, 0, 1});
  for (std::string_view text :
       {"", "1", "1.2", "1.2.", "1.2.3.", "1.2.3.4", ".1.2", "1..2", "v1.2.3", "1.2.3-SNAPSHOT",
        "1.2.x", " 1.2.3", "1.2.3 ", "+1.2.3", "-1.2.3", "4294967296.0.0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_version(text));
  }
}

TEST_CASE("UDP pushes go to the agents of ClientInfo from their version on (UdpPushService)") {
  struct row {
    std::string_view agent;
    bool pushed;
  };
  const row rows[] = {
    {"Nacos-Java-Client:v1.4.8", true},
    {"Nacos-Java-Client:v1.0.0", true}, // the Node SDK says this
    {"Nacos-Java-Client:v0.1.0", true},
    {"Nacos-Java-Client:v0.1.0-SNAPSHOT", true},
    {"Nacos-Java-Client:v1", true},
    {"Nacos-Java-Client:v2.3", true},
    {"Nacos-Java-Client:v0.0.99", false},
    {"Nacos-Java-Client:v0.0", false},
    {"Nacos-Java-Client:v", false},
    {"Nacos-Java-Client:1.4.8", false}, // no `:v`: version unknown
    {"Nacos-Java-Client", false},
    {"Nacos-Go-Client:v0.1.0", true},
    {"Nacos-Go-Client:v0.0.9", false},
    {"nacos-go-sdk:v1.0.0", true},
    {"Nacos-C-Client:v1.0.12", true},
    {"Nacos-C-Client:v1.0.11", false},
    {"Nacos-C-Client:v1.1.0", true},
    {"Nacos-C-Client:v0.99.99", false},
    {"vip-client4cpp:v1.0.12", true},
    {"vip-client4cpp:v1.0.2", false}, // numbers, not texts
    {"Nacos-CSharp-Client:v0.9.0", true},
    {"Nacos-CSharp-Client:v0.8.99", false},
    {"Nacos-DNS:v0.4.3", true},
    {"Nacos-DNS:v0.4.2", false},
    {"Nacos-Php-Client:v9.9.9", false},
    {"unit-nginx:v9.9.9", false},
    {"Nacos-SDK-Java:v9.9.9", false},
    {"Nacos-Server:v2.5.1", false},
    {"Nacos-Python-Client:v9.9.9", false},
    {"nacos-java-client:v1.4.8", false}, // prefixes are case-sensitive
    {"x Nacos-Java-Client:v1.4.8", false},
    {"1.4.8", false},
    {"", false},
  };
  for (auto& x : rows) {
    CAPTURE(x.agent);
    CHECK(qualifies_for_udp_push(x.agent, {}) == x.pushed);
  }
  switch_domain off;
  REQUIRE_FALSE(off.set("pushEnabled", "false"));
  for (auto& x : rows)
    CHECK_FALSE(qualifies_for_udp_push(x.agent, off));
}

TEST_CASE("the lowest version of each agent is a switch of its own (entry pushVersion)") {
  struct row {
    std::string_view entry, below, from;
  };
  const row rows[] = {
    {"java:1.2.3", "Nacos-Java-Client:v1.2.2", "Nacos-Java-Client:v1.2.3"},
    {"go:2.0.0", "Nacos-Go-Client:v1.99.99", "Nacos-Go-Client:v2.0.0"},
    {"c:10.0.0", "Nacos-C-Client:v9.0.0", "Nacos-C-Client:v10.0.0"},
    {"csharp:1.0.0", "Nacos-CSharp-Client:v0.9.9", "Nacos-CSharp-Client:v1.0.0"},
    {"python:0.5.0", "Nacos-DNS:v0.4.9", "Nacos-DNS:v0.5.0"},
  };
  for (auto& x : rows) {
    CAPTURE(x.entry);
    switch_domain switches;
    CHECK(qualifies_for_udp_push(x.below, switches));
    REQUIRE_FALSE(switches.set("pushVersion", x.entry));
    CHECK_FALSE(qualifies_for_udp_push(x.below, switches));
    CHECK(qualifies_for_udp_push(x.from, switches));
    // The others stay as they were.
    for (auto& other : rows)
      if (other.entry != x.entry)
        CHECK(qualifies_for_udp_push(other.below, switches));
  }
}

TEST_CASE("client ids are the texts of IpPortBasedClient.getClientId") {
  CHECK(client_id{"10.0.0.1", 8080}.to_string() == "10.0.0.1:8080#true");
  CHECK(client_id{"10.0.0.1", 8080, client_kind::persistent}.to_string() == "10.0.0.1:8080#false");
  CHECK(client_id{"::1", 0}.address() == "::1:0");
  CHECK(client_id{"", 65535}.address() == ":65535");
}

TEST_CASE("client ids differ in each part, and their hashes spread over few shards") {
  const client_id base{"10.0.0.1", 80};
  CHECK(base == client_id{"10.0.0.1", 80, client_kind::ephemeral});
  CHECK(base != client_id{"10.0.0.2", 80});
  CHECK(base != client_id{"10.0.0.1", 81});
  CHECK(base != client_id{"10.0.0.1", 80, client_kind::persistent});
  constexpr std::size_t clients = 20'000;
  std::unordered_set<client_id, client_id_hash> all;
  // Many machines, one machine with many ports, and both kinds of clients.
  const auto check_spread = [&](auto make) {
    for (std::size_t shards : {2, 3, 4, 8, 16}) {
      std::vector<std::size_t> filled(shards);
      for (std::size_t i = 0; i < clients; ++i) {
        client_id x = make(i);
        ++filled[x.hash() % shards];
        all.insert(x);
      }
      CAPTURE(shards);
      for (auto n : filled) {
        CHECK(n > clients / shards * 3 / 4);
        CHECK(n < clients / shards * 5 / 4);
      }
    }
  };
  check_spread([](std::size_t i) {
    return client_id{"10." + std::to_string(i / 250) + ".0." + std::to_string(i % 250), 8080};
  });
  check_spread([](std::size_t i) { return client_id{"10.0.0.1", static_cast<std::uint16_t>(i)}; });
  check_spread([](std::size_t i) {
    return client_id{"10.0.0.1", static_cast<std::uint16_t>(i), client_kind::persistent};
  });
  CHECK(all.size() == 3 * clients - 1); // 10.0.0.1:8080 is in two of them
}
