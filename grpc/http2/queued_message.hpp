#pragma once

#include <memory>
#include <string_view>

#include "grpc/http2/http2_call.hpp"

namespace nacre {

/// A message in the order of those that wait to be sent.
struct http2_call::queued {
  char prefix[message_prefix_bytes];
  outgoing_message message;
  std::unique_ptr<queued> next;

  std::size_t size() const { return message_prefix_bytes + message.size(); }

  /// Calls `take` with the pieces of `bytes` bytes from `offset` on.
  template <class Take>
  void pieces(std::size_t offset, std::size_t bytes, Take take) const {
    auto& body = message.body;
    for (auto piece : {std::string_view(prefix, message_prefix_bytes), message.head.view(),
                       std::string_view(body.text),
                       body.shared ? std::string_view(*body.shared) : std::string_view(),
                       std::string_view(body.rest)}) {
      auto skipped = std::min(offset, piece.size());
      offset -= skipped;
      auto part = piece.substr(skipped, bytes);
      bytes -= part.size();
      if (!part.empty())
        take(part);
    }
  }
};

} // namespace nacre
