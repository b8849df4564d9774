// Lists of networks, and which targets may be probed.
#include <doctest/doctest.h>

#include "actors/health/target_policy.hpp"
#include "config/network_list.hpp"

using namespace nacre;

TEST_CASE("networks are read, and contain what they should") {
  struct {
    const char* networks;
    const char* address;
    bool contained;
  } cases[] = {
    {"", "10.0.0.1", false},
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.1", false},
    {"10.0.0.0/8", "::ffff:10.0.0.1", true},
    {"10.0.0.0/8", "a00::1", false},
    {"192.168.7.128/25", "192.168.7.127", false},
    {"192.168.7.128/25", "192.168.7.200", true},
    {"10.1.2.3", "10.1.2.3", true},
    {"10.1.2.3", "10.1.2.4", false},
    {"fd00::/8, 10.0.0.0/9", "fd12::3", true},
    {"fd00::/8,10.0.0.0/9", "10.127.1.1", true},
    {"fd00::/8,10.0.0.0/9", "10.128.1.1", false},
    {"0.0.0.0/0", "8.8.8.8", true},
    {"0.0.0.0/0", "fd12::3", false},
    {"::/0", "8.8.8.8", true},
    {"::1", "::1", true},
  };
  for (auto& x : cases) {
    CAPTURE(x.networks);
    CAPTURE(x.address);
    auto list = network_list::parse(x.networks);
    REQUIRE(list);
    CHECK(list->contains(*parse_ip_address(x.address)) == x.contained);
  }
  for (auto wrong : {"10.0.0.0/33", "fd00::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "host",
                     "10.0.0.0/8;10.1.0.0/16", "10.0.0.0/-1", "010.0.0.1"})
    CHECK_MESSAGE(!network_list::parse(wrong), wrong);
}

TEST_CASE("targets that nobody should have a node ask are refused, unless they are allowed") {
  options alone;
  options member = alone;
  member.mode = node_mode::cluster;
  options strict = alone;
  strict.health.denied_networks = "10.0.0.0/8, 0.0.0.0/0";
  strict.health.allowed_networks = "10.7.0.0/16, 169.254.7.7";
  struct {
    const options& opts;
    const char* ip;
    std::uint16_t port;
    bool is_probed;
  } cases[] = {
    {alone, "10.0.0.7", 80, true},
    {alone, "fd12::3", 80, true},
    {alone, "127.0.0.1", 80, true},
    {alone, "::1", 80, true},
    {alone, "127.0.0.1", 8848, false},
    {alone, "127.0.0.9", 9849, false},
    {alone, "10.0.0.1", 9848, false},
    {alone, "10.0.0.1", 80, true},
    {alone, "169.254.169.254", 80, false},
    {alone, "::ffff:169.254.169.254", 80, false},
    {alone, "fe80::1", 80, false},
    {alone, "fd00:ec2::254", 80, false},
    {alone, "100.100.100.200", 80, false},
    {alone, "0.0.0.0", 80, false},
    {alone, "0", 80, false},
    {alone, "2130706433", 80, false},
    {alone, "224.0.0.1", 80, false},
    {alone, "255.255.255.255", 80, false},
    {alone, "::", 80, false},
    {alone, "example.com", 80, false},
    {alone, "10.0.0.7%eth0", 80, false},
    {alone, "", 80, false},
    {member, "127.0.0.1", 80, false},
    {member, "10.0.0.2", 8848, false},
    {member, "10.0.0.2", 9848, false},
    {member, "::ffff:10.0.0.2", 9849, false},
    {member, "10.0.0.2", 80, true},
    {member, "10.0.0.3", 8848, true},
    {strict, "10.0.0.7", 80, false},
    {strict, "10.7.0.7", 80, true},
    {strict, "192.168.0.1", 80, false},
    {strict, "169.254.7.7", 80, true},
    {strict, "fd12::3", 80, true},
  };
  for (auto& x : cases) {
    CAPTURE(x.ip);
    CAPTURE(x.port);
    auto why =
      target_policy(x.opts, "10.0.0.1").refuses(x.ip, x.port, {"10.0.0.1:8848", "10.0.0.2:8848"});
    CHECK(why.has_value() != x.is_probed);
  }
}
