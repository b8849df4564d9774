#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nacre {

/// The members a text names, as read from `cluster.conf`, `nacos.member.list` or an address server:
/// lines of `host[:port]`, several on a line by commas, from `#` on a comment (Nacos
/// `MemberUtil.readServerConf`).
struct member_list {
  /// `host:port`, sorted, each once; IPv6 in brackets.
  std::vector<std::string> addresses;
  /// Entries that are no address; the others hold all the same.
  std::vector<std::string> unreadable;
};

/// Pure, any thread.
member_list parse_member_list(std::string_view text, std::uint16_t default_port);

} // namespace nacre
