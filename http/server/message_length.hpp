#pragma once

#include <algorithm>
#include <string_view>

#include <boost/beast/http/message.hpp>

#include "protocol/text.hpp"

namespace nacre {

/// Whether all who read the head of a request see its body end at the same place. Else what follows
/// is one request to us and another to a proxy in front (RFC 9112 §6.3, §11.2). All lines count,
/// not the first: no `Transfer-Encoding` but one that says `chunked` and nothing else, no
/// `Content-Length` but one plain number, and never both.
template <class Fields>
bool has_clear_length(const boost::beast::http::request_header<Fields>& head) {
  namespace http = boost::beast::http;
  int encodings = 0;
  int lengths = 0;
  bool good = true;
  for (auto& line : head) {
    auto text = std::string_view(line.value().data(), line.value().size());
    if (line.name() == http::field::transfer_encoding) {
      ++encodings;
      good &= equals_ignore_case(text, "chunked");
    } else if (line.name() == http::field::content_length) {
      ++lengths;
      good &= !text.empty()
              && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    }
  }
  return good && encodings + lengths <= 1 && (encodings == 0 || head.version() == 11);
}

} // namespace nacre
