#pragma once

#include "http/call.hpp"

namespace nacre::test {

/// A request as the parser makes it of `target`, path and query, which outlives it.
inline http_request request_of(http_method method, std::string_view name, std::string_view target) {
  http_request x;
  x.method = method;
  x.method_name = name;
  auto mark = target.find('?');
  x.uri = target.substr(0, mark);
  if (mark != target.npos)
    x.query = target.substr(mark + 1);
  x.remote_ip = std::make_shared<const std::string>("10.9.9.9");
  return x;
}

} // namespace nacre::test
