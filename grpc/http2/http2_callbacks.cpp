#include "grpc/http2/http2_callbacks.hpp"

#include <algorithm>

namespace nacre {

namespace {

constexpr int stop = NGHTTP2_ERR_CALLBACK_FAILURE;

http2_session& session_of(void* user) { return *static_cast<http2_session*>(user); }

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

bool ends_stream(const nghttp2_frame_hd& head) {
  return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

} // namespace

/// The bodies of the callbacks, as a friend of the session.
struct http2_session_events {
  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    return session_of(user).on_frame_begin(head->type) ? 0 : stop;
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame*, void* user) {
    session_of(user).on_head_begin();
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    session_of(user).on_header(view(name, name_size), view(value, value_size));
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return session_of(user).on_frame(*frame) ? 0 : stop;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
    return session_of(user).spend(frame_allowance::broken_frame) ? 0 : stop;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    return session_of(user).on_data(stream, view(bytes, size)) ? NGHTTP2_ERR_PAUSE : 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t stream, std::uint32_t error,
                             void* user) {
    session_of(user).on_stream_close(stream, error);
    return 0;
  }

  static int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    session_of(user).on_frame_sent(*frame);
    return 0;
  }

  static ssize_t on_read(nghttp2_session*, std::int32_t stream, std::uint8_t*, std::size_t size,
                         std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto& session = session_of(user);
    auto* call = session.call_of(stream);
    return call ? session.next_data(*call, size, *flags)
                : ssize_t(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
  }

  static int on_send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                          std::size_t size, nghttp2_data_source*, void* user) {
    constexpr std::size_t head_bytes = 9;
    auto& session = session_of(user);
    auto* call = session.call_of(frame->hd.stream_id);
    if (!call)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session.copy_data(*call, view(head, head_bytes), size);
    return 0;
  }
};

bool http2_session::on_frame(const nghttp2_frame& frame) {
  auto stream = frame.hd.stream_id;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (!taker_) {
        on_response(stream);
      } else if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
        on_request(stream, ends_stream(frame.hd));
      } else {
        incoming_ = nullptr; // trailers, of which a client of ours has nothing to say
        on_half_close(stream);
      }
      break;
    case NGHTTP2_DATA:
      if (ends_stream(frame.hd))
        on_half_close(stream);
      else if (frame.hd.length == 0)
        return spend(frame_allowance::control_frame);
      break;
    case NGHTTP2_SETTINGS:
      begun_ = true;
      break;
    case NGHTTP2_PING:
      on_ping(frame.ping);
      break;
    default:
      break;
  }
  return !flooded_;
}

void http2_session::on_ping(const nghttp2_ping& ping) {
  bool is_answer = (ping.hd.flags & NGHTTP2_FLAG_ACK) != 0;
  if (leaving_ && is_answer && std::ranges::equal(ping.opaque_data, leaving_ping))
    go_away_now();
}

bool http2_session::on_frame_begin(std::uint8_t type) {
  switch (type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
      return true;
    case NGHTTP2_RST_STREAM:
      return spend(frame_allowance::reset);
    default:
      return spend(frame_allowance::control_frame);
  }
}

void http2_session::on_head_begin() { incoming_ = std::make_unique<incoming_head>(); }

const nghttp2_session_callbacks* http2_session::callbacks::table() {
  static const auto* all = [] {
    using events = http2_session_events;
    nghttp2_session_callbacks* x = nullptr;
    if (nghttp2_session_callbacks_new(&x) != 0)
      throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_frame_callback(x, events::on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(x, events::on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(x, events::on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(x, events::on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(x, events::on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(x, events::on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(x, events::on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(x, events::on_frame_sent);
    nghttp2_session_callbacks_set_send_data_callback(x, events::on_send_data);
    return x;
  }();
  return all;
}

const nghttp2_option* http2_session::callbacks::options() {
  static const auto* all = [] {
    // Headers that we refer to again: each answer has the same few.
    constexpr std::size_t sent_table_bytes = 256;
    // Resets have their price in the allowance of frames.
    constexpr std::uint64_t any_number = 1'000'000;
    nghttp2_option* x = nullptr;
    if (nghttp2_option_new(&x) != 0)
      throw std::bad_alloc();
    // In one frame: there is room for one only (`frame_space`).
    constexpr std::size_t sent_headers_bytes = 8 * 1'024;
    nghttp2_option_set_max_send_header_block_length(x, sent_headers_bytes);
    nghttp2_option_set_no_closed_streams(x, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(x, sent_table_bytes);
    nghttp2_option_set_stream_reset_rate_limit(x, any_number, any_number);
    return x;
  }();
  return all;
}

nghttp2_data_provider http2_session::callbacks::data() {
  nghttp2_data_provider x{};
  x.read_callback = http2_session_events::on_read;
  return x;
}

} // namespace nacre
