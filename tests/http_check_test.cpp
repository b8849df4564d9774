#include "protocol/http_check.hpp"

#include <doctest/doctest.h>

using namespace nacre;

namespace {

using state = http_answer_head::state;

std::string complaint_of(std::string_view path, std::string_view headers = "") {
  return check_http_check(path, headers).value_or("");
}

} // namespace

TEST_CASE("a path of a check is one that can stand in a request line") {
  for (auto path : {"", "/", "/health?deep=1&x=%20#y", "/a|b"})
    CHECK(complaint_of(path) == "");
  CHECK(complaint_of("/" + std::string(1023, 'x')) == "");
  CHECK(complaint_of("/" + std::string(1024, 'x'))
        == "Param 'healthChecker' is illegal, its path should not exceed 1024 bytes.");
  CHECK(complaint_of("health")
        == "Param 'healthChecker' is illegal, its path should begin with '/'.");
  CHECK(complaint_of("http://other/") != "");
  for (auto path : {"/ HTTP/1.1", "/\r\nHost: x", "/a\tb", "/\x7f", "/ü", "/a\n"})
    CHECK(complaint_of(path)
          == "Param 'healthChecker' is illegal, its path should have visible ASCII characters "
             "only.");
  CHECK(complaint_of(std::string_view("/\0", 2)) != "");
}

TEST_CASE("headers of a check can't change what the request is") {
  for (auto headers : {"", "|", " | ", "a:b", "a: b |c:d|", "Authorization:Basic eDp5", "X-Url:a:b",
                       "x:", "x:ü", "User-Agent:me"})
    CHECK(complaint_of("/", headers) == "");
  for (auto name : {"Host", "host", "Connection", "Content-Length", "TRANSFER-ENCODING", "Upgrade",
                    "Proxy-", "Proxy-Authorization", "Expect", "TE", "Trailer", " te "}) {
    CAPTURE(name);
    CHECK(complaint_of("/", std::string("a:b|") + name + ":x").find("can't be set")
          != std::string::npos);
  }
  CHECK(complaint_of("/", "Host:x")
        == "Param 'healthChecker' is illegal, its header 'Host' can't be set.");
  CHECK(complaint_of("/", "a:b|c") == "Param 'healthChecker' is illegal, its header 2 has no ':'.");
  for (auto headers : {":x", "a b:x", "a\r\nHost:x", "ü:x", "a(:x", "\ta:x"})
    CHECK(complaint_of("/", headers)
          == "Param 'healthChecker' is illegal, the name of its header 1 has illegal characters.");
  for (auto headers : {"a:b\r\nHost: x", "a:\n", "a:\t", "a:x\x7f"})
    CHECK(complaint_of("/", headers)
          == "Param 'healthChecker' is illegal, the value of its header 'a' has control "
             "characters.");
  CHECK(complaint_of("/", std::string_view("a:\0", 3)) != "");
}

TEST_CASE("headers of a check are few and short") {
  std::string many;
  for (int i = 0; i < 32; ++i)
    many += "a:b|";
  CHECK(complaint_of("/", many) == "");
  CHECK(complaint_of("/", many + "a:b")
        == "Param 'healthChecker' is illegal, it should have no more than 32 headers.");
  CHECK(complaint_of("/", "a:" + std::string(4094, 'x')) == "");
  CHECK(complaint_of("/", "a:" + std::string(4095, 'x'))
        == "Param 'healthChecker' is illegal, its headers should not exceed 4096 bytes.");
}

TEST_CASE("the request of a check is whole, and closes the connection") {
  CHECK(http_check_request("", "", "127.0.0.1:80")
        == "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n"
           "User-Agent: VIPServer\r\n\r\n");
  CHECK(http_check_request("/x?y", "a: b |user-agent:me|", "[::1]:80")
        == "GET /x?y HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\na: b\r\n"
           "user-agent: me\r\n\r\n");
}

TEST_CASE("the head of an answer gives its status when all of it is here") {
  const std::string head = "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n";
  for (std::size_t i = 0; i < head.size(); ++i)
    CHECK(read_http_answer_head(std::string_view(head).substr(0, i)).is == state::part);
  CHECK(read_http_answer_head(head).is == state::whole);
  CHECK(read_http_answer_head(head + "body").status == 204);
  CHECK(read_http_answer_head("HTTP/1.0 200\r\n\r\n").status == 200);
  CHECK(read_http_answer_head("HTTP/1.1 200 OK\n\n").status == 200);
  CHECK(read_http_answer_head("HTTP/1.1 999 \r\n\r\n").status == 999);
}

TEST_CASE("heads that announce another are skipped") {
  CHECK(read_http_answer_head("HTTP/1.1 100 Continue\r\n\r\n").is == state::part);
  CHECK(read_http_answer_head("HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 404 No\r\n\r\n").status
        == 404);
  CHECK(read_http_answer_head("HTTP/1.1 101 Upgrade\r\n\r\n").status == 101);
  CHECK(read_http_answer_head("HTTP/1.1 100 Continue\r\n\r\ngarbage").is == state::broken);
}

TEST_CASE("what is no HTTP is told by its first wrong byte") {
  for (auto bytes : {"S", "HTTP/2", "http/1.1 200", "HTTP/1.1\t200", "HTTP/1.1 20x",
                     "HTTP/1.1 2000", "HTTP/1.1 -20", "HTTP/1.2 200", "HTTP/1.1 200x",
                     "\r\nHTTP/1.1 200 OK", "HTTP/1.1 099 x\r\n\r\n"}) {
    CAPTURE(bytes);
    CHECK(read_http_answer_head(bytes).is == state::broken);
  }
}
