#pragma once

#include "grpc/http2/http2_session.hpp"

namespace nacre {

/// What nghttp2 calls: each goes on to a member of the session.
struct http2_session::callbacks {
  /// The same for all sessions.
  static const nghttp2_session_callbacks* table();
  static const nghttp2_option* options();

  /// Where the data of a call comes from.
  static nghttp2_data_provider data();
};

} // namespace nacre
