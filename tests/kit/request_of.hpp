#pragma once

#include "http/server/http_call.hpp"

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

/// The body of an answer in one piece.
inline std::string body_of(const reply& x) {
  auto text = x.body;
  for (auto part : x.shared)
    text += part;
  return text.append(x.tail);
}

} // namespace nacre::test
