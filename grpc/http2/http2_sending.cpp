// What an http2_session sends: headers, messages and trailers of its calls.
#include "grpc/http2/gzip.hpp"
#include "grpc/http2/header_text.hpp"
#include "grpc/http2/http2_callbacks.hpp"
#include "grpc/http2/http2_session.hpp"
#include "grpc/http2/queued_message.hpp"
#include "grpc/http2/sent_header.hpp"

namespace nacre {

namespace {

/// Shorter messages are not packed: it would hardly make them shorter.
constexpr std::size_t packed_bytes_min = 1'024;

void pack(outgoing_message& message) {
  auto text = std::string(message.head.view()) + message.body.str();
  message.head = {};
  message.body = gzip_packed(text);
}

} // namespace

void http2_session::open(const http2_call_ptr& call, const std::string& path,
                         const std::string& authority) {
  const nghttp2_nv headers[] = {constant_header(":method", "POST"),
                                constant_header(":scheme", "http"),
                                sent_header(":path", path),
                                sent_header(":authority", authority),
                                constant_header("te", "trailers"),
                                constant_header("content-type", "application/grpc"),
                                constant_header("user-agent", "nacre/" NACRE_VERSION)};
  auto data = callbacks::data();
  call->headers_sent_ = true;
  auto stream =
    nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &data, call.get());
  attach(call, stream);
  note_output();
}

void http2_session::send_headers(http2_call& call) {
  if (std::exchange(call.headers_sent_, true))
    return;
  const nghttp2_nv headers[] = {constant_header(":status", "200"),
                                constant_header("content-type", "application/grpc"),
                                constant_header("grpc-encoding", "gzip")};
  auto data = callbacks::data();
  nghttp2_submit_response(session_, call.stream_, headers,
                          std::size(headers) - (call.takes_gzip_ ? 0 : 1), &data);
  note_output();
}

void http2_session::send(http2_call& call, outgoing_message message) {
  bool packed = call.takes_gzip_ && message.size() >= packed_bytes_min;
  if (packed)
    pack(message);
  auto next = std::make_unique<http2_call::queued>();
  next->message = std::move(message);
  write_message_prefix(next->prefix, packed, next->message.size());
  call.unsent_ += next->size();
  unsent_ += next->size();
  auto* last = next.get();
  (call.last_ ? call.last_->next : call.first_) = std::move(next);
  call.last_ = last;
  if (call.headers_sent_)
    wake(call);
  else
    send_headers(call);
}

void http2_session::finish(http2_call& call) {
  if (call.headers_sent_)
    return wake(call);
  call.headers_sent_ = true;
  refuse(call.stream_, call.status_);
  note_output();
}

void http2_session::wake(http2_call& call) {
  if (std::exchange(call.waits_for_data_, false))
    nghttp2_session_resume_data(session_, call.stream_);
  note_output();
}

ssize_t http2_session::next_data(http2_call& call, std::size_t bytes_max, std::uint32_t& flags) {
  bool is_full = out_->size() >= out_max_;
  if (is_full || (call.unsent_ == 0 && !call.finishing_)) {
    call.waits_for_data_ = true;
    if (is_full)
      paused_.push_back(call.weak_from_this());
    return NGHTTP2_ERR_DEFERRED;
  }
  auto bytes = std::min(bytes_max, call.unsent_);
  if (bytes > 0)
    flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (bytes == call.unsent_ && call.finishing_) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (taker_) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      submit_trailers(call);
    }
  }
  return static_cast<ssize_t>(bytes);
}

void http2_session::submit_trailers(const http2_call& call) {
  if (call.status_.ok()) {
    const auto good = constant_header("grpc-status", "0");
    nghttp2_submit_trailer(session_, call.stream_, &good, 1);
    return;
  }
  auto code = std::to_string(static_cast<unsigned>(call.status_.code));
  auto text = percent_encoded(call.status_.text);
  const nghttp2_nv trailers[] = {sent_header("grpc-status", code),
                                 sent_header("grpc-message", text, NGHTTP2_NV_FLAG_NO_INDEX)};
  nghttp2_submit_trailer(session_, call.stream_, trailers, std::size(trailers));
}

void http2_session::copy_data(http2_call& call, std::string_view frame_head, std::size_t bytes) {
  out_->append(frame_head);
  call.unsent_ -= bytes;
  unsent_ -= bytes;
  while (bytes > 0) {
    auto& message = *call.first_;
    auto part = std::min(bytes, message.size() - call.offset_);
    message.pieces(call.offset_, part, [this](std::string_view piece) { out_->append(piece); });
    bytes -= part;
    call.offset_ += part;
    if (call.offset_ < message.size())
      return;
    call.offset_ = 0;
    auto sent = std::move(call.first_);
    call.first_ = std::move(sent->next);
    if (!call.first_)
      call.last_ = nullptr;
    call.on_sent(sent->message);
  }
}

void http2_session::on_frame_sent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS)
    return;
  allowance_.earn(frame_allowance::sent_frame);
  bool is_last = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  // The rest of a request that is answered already would only be dropped.
  if (taker_ && is_last && frame.hd.type == NGHTTP2_HEADERS
      && nghttp2_session_get_stream_remote_close(session_, frame.hd.stream_id) == 0)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_NO_ERROR);
}

} // namespace nacre
