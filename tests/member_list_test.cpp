#include <doctest/doctest.h>

#include "protocol/member_list.hpp"
#include "protocol/responsible_node.hpp"

using namespace nacre;

using texts = std::vector<std::string>;

TEST_CASE("a member list is read as Nacos reads cluster.conf, without its traps") {
  auto list = parse_member_list("# nodes\n10.0.0.9:8848\n   \n10.0.0.10, node-2:8850 # two\r\n"
                                "[::1]:8849\n[fe80::1]\n10.0.0.9:8848\n",
                                8800);
  CHECK(list.addresses
        == texts{"10.0.0.10:8800", "10.0.0.9:8848", "[::1]:8849", "[fe80::1]:8800", "node-2:8850"});
  CHECK(list.unreadable.empty());
  CHECK(parse_member_list("", 1).addresses.empty());
  CHECK(parse_member_list("a:8848?raft_port=8807", 1).addresses == texts{"a:8848"});
}

TEST_CASE("entries that are no address are told and the others hold") {
  auto list = parse_member_list("a:0,b:65536,c:x,d:,:1,e f,[::1,[::1]x,good", 8848);
  CHECK(list.addresses == texts{"good:8848"});
  CHECK(list.unreadable == texts{"a:0", "b:65536", "c:x", "d:", ":1", "e f", "[::1", "[::1]x"});
  CHECK(parse_member_list(std::string(10'000, 'a'), 1).unreadable.front().size() < 70);
}

TEST_CASE("the responsible node is the one that Java nodes name") {
  CHECK(distro_hash("10.0.0.1:8080") % 3 == 0);
  CHECK(distro_hash("10.0.0.1:8080") % 4 == 0);
  CHECK(distro_hash("192.168.1.100:9000") % 3 == 1);
  CHECK(distro_hash("192.168.1.100:9000") % 4 == 0);
  CHECK(distro_hash("10.0.0.5:20880") % 3 == 1);
  CHECK(distro_hash("10.0.0.5:20880") % 4 == 2);
  CHECK(distro_hash("null:0") % 3 == 1);
  CHECK(distro_hash("null:0") % 4 == 3);
  CHECK(distro_hash("DEFAULT_GROUP@@nacos.test.3") % 4 == 2);
  responsible_nodes three({"10.0.0.9:8848", "10.0.0.10:8848", "10.0.0.8:8848", "10.0.0.9:8848"});
  CHECK(three.ring() == texts{"10.0.0.10:8848", "10.0.0.8:8848", "10.0.0.9:8848"});
  CHECK(three.of("10.0.0.1:8080") == "10.0.0.10:8848");
  CHECK(three.of("192.168.1.100:9000") == "10.0.0.8:8848");
  CHECK(responsible_nodes({}).of("10.0.0.1:8080").empty());
}
