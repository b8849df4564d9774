#include "grpc/http2/http2_session.hpp"

#include <algorithm>
#include <charconv>

#include "grpc/http2/header_text.hpp"
#include "grpc/http2/http2_callbacks.hpp"
#include "grpc/http2/queued_message.hpp"
#include "grpc/http2/sent_header.hpp"

namespace nacre {

namespace {

/// What a peer may send of one call, and of all, before we have read it.
constexpr std::uint32_t stream_window = 256 * 1024;
constexpr std::int32_t connection_window = 1024 * 1024;

constexpr std::string_view not_http2 =
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 67\r\n"
  "Connection: close\r\n\r\nThis port is for gRPC: it speaks HTTP/2 only, with prior knowledge.";

call_status status_of_reset(std::uint32_t error) {
  switch (error) {
    case NGHTTP2_CANCEL:
      return {status_code::cancelled, "cancelled"};
    case NGHTTP2_REFUSED_STREAM:
      return {status_code::unavailable, "the call was refused"};
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return {status_code::resource_exhausted, "too much was asked for"};
    default:
      return {status_code::internal, "the stream was reset: " + std::to_string(error)};
  }
}

} // namespace

// -- life ----------------------------------------------------------------------------------------

http2_session::http2_session(http2_common& common, frame_space& space, call_taker& taker,
                             session_owner& owner, steady_time now)
  : common_(common), owner_(owner), taker_(&taker), now_(now), last_call_(now), allowance_(now) {
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new3(&session, callbacks::table(), this, callbacks::options(),
                                  space.memory())
      != 0)
    throw std::bad_alloc();
  const nghttp2_settings_entry settings[] = {
    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, common.limits.streams_max},
    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
    {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, stream_window}, // large messages come in few frames
    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
     static_cast<std::uint32_t>(common.limits.header_bytes_max)},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  begin(session);
}

http2_session::http2_session(http2_common& common, frame_space& space, session_owner& owner,
                             steady_time now)
  : common_(common), owner_(owner), now_(now), last_call_(now), allowance_(now) {
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new3(&session, callbacks::table(), this, callbacks::options(),
                                  space.memory())
      != 0)
    throw std::bad_alloc();
  const nghttp2_settings_entry settings[] = {
    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  begin(session);
}

void http2_session::begin(nghttp2_session* session) {
  session_ = session;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window);
}

http2_session::~http2_session() {
  end({status_code::unavailable, "the connection is gone"});
  nghttp2_session_del(session_);
}

void http2_session::end(const call_status& why) {
  failed_ = true;
  while (first_call_)
    end_call(*first_call_, why);
}

bool http2_session::wants_to_send() const {
  return !last_words_.empty() || !paused_.empty()
         || (!failed_ && nghttp2_session_want_write(session_) != 0);
}

bool http2_session::is_over() const {
  return failed_
         || (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

void http2_session::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  note_output();
}

void http2_session::go_away() {
  if (!taker_)
    return go_away_now();
  if (std::exchange(leaving_, true))
    return;
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, leaving_ping);
  note_output();
}

void http2_session::go_away_now() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  note_output();
}

void http2_session::check_deadlines(steady_time now) {
  now_ = now;
  if (!has_deadlines_)
    return;
  has_deadlines_ = false;
  for (auto* call = first_call_; call;) {
    auto* next = call->next_;
    if (call->deadline_ && *call->deadline_ <= now)
      fail_call(*call, {status_code::deadline_exceeded, "the deadline has passed"});
    else
      has_deadlines_ = has_deadlines_ || call->deadline_;
    call = next;
  }
}

// -- bytes ---------------------------------------------------------------------------------------

bool http2_session::receive(std::string_view bytes, steady_time now) {
  now_ = now;
  taken_ = 0;
  if (failed_)
    return false;
  bool first = !begun_;
  paused_amid_ = false;
  unsent_before_ = unsent_;
  busy_ = true;
  auto used = nghttp2_session_mem_recv(
    session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  busy_ = false;
  if (used >= 0) {
    taken_ = static_cast<std::size_t>(used);
    return nghttp2_session_want_read(session_) != 0;
  }
  if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
    failed_ = true;
    // The first letter of a method, most likely.
    if (first && !bytes.empty() && bytes.front() >= 'A' && bytes.front() <= 'Z')
      last_words_ = not_http2;
    ++common_.counters.broken;
    fault_ = "it speaks no HTTP/2";
    return false;
  }
  bool is_flood = flooded_ || used == NGHTTP2_ERR_FLOODED;
  ++(is_flood ? common_.counters.floods : common_.counters.broken);
  flooded_ = is_flood;
  fault_ = is_flood ? "a flood of frames" : "frames that can't be read";
  nghttp2_session_terminate_session(session_,
                                    is_flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
  return false;
}

void http2_session::collect(std::string& out, std::size_t bytes_max) {
  out += std::exchange(last_words_, {});
  if (failed_)
    return;
  out_ = &out;
  out_max_ = out.size() + bytes_max;
  busy_ = true;
  for (auto& weak : std::exchange(paused_, {}))
    if (auto call = weak.lock(); call && !call->is_over())
      wake(*call);
  const std::uint8_t* bytes = nullptr;
  while (out.size() < out_max_) {
    auto size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0)
      failed_ = true;
    if (size <= 0)
      break;
    out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  busy_ = false;
  out_ = nullptr;
}

bool http2_session::spend(std::int64_t price) {
  if (allowance_.spend(price, now_))
    return true;
  flooded_ = true;
  return false;
}

// -- headers -------------------------------------------------------------------------------------

void http2_session::on_header(std::string_view name, std::string_view value) {
  if (!incoming_)
    return;
  constexpr std::size_t bytes_of_entry = 32; // as HTTP/2 reckons
  incoming_->bytes += name.size() + value.size() + bytes_of_entry;
  if (incoming_->bytes > common_.limits.header_bytes_max)
    return;
  if (taker_)
    on_request_header(name, value);
  else
    on_response_header(name, value);
}

void http2_session::on_request_header(std::string_view name, std::string_view value) {
  auto& head = *incoming_;
  if (name == ":path") {
    constexpr std::size_t shown_max = 256;
    head.route = taker_->route_of(value);
    if (head.route < 0)
      head.unknown_path = value.substr(0, shown_max);
  } else if (name == ":method") {
    head.is_post = value == "POST";
  } else if (name == "content-type") {
    head.is_grpc = is_grpc_content(value);
  } else if (name == "grpc-timeout") {
    head.timeout = parse_timeout(value).value_or(milliseconds(-1));
  } else if (name == "grpc-encoding") {
    head.packs = value == "gzip";
    head.has_unknown_encoding = !head.packs && value != "identity";
  } else if (name == "grpc-accept-encoding") {
    head.takes_gzip = names_encoding(value, "gzip");
  }
}

void http2_session::on_response_header(std::string_view name, std::string_view value) {
  auto& head = *incoming_;
  if (name == ":status") {
    std::from_chars(value.data(), value.data() + value.size(), head.http_status);
  } else if (name == "grpc-encoding") {
    head.packs = value == "gzip";
  } else if (name == "grpc-status") {
    head.has_status = true;
    head.status.code = parse_status(value);
  } else if (name == "grpc-message") {
    head.status.text = percent_decoded(value);
  }
}

void http2_session::on_request(std::int32_t stream, bool has_ended) {
  auto head = std::exchange(incoming_, nullptr);
  if (!head)
    return;
  if (head->bytes > common_.limits.header_bytes_max) {
    spend(frame_allowance::excessive_headers);
    return refuse(stream, {status_code::resource_exhausted, "too many bytes of headers"}, "431");
  }
  if (!head->is_post)
    return refuse(stream, {status_code::internal, "the method is not POST"}, "405");
  if (!head->is_grpc)
    return refuse(stream, {status_code::internal, "the content is not application/grpc"}, "415");
  if (head->route < 0) {
    auto path = std::string_view(head->unknown_path);
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    return refuse(stream, {status_code::unimplemented, "Method not found: " + std::string(path)});
  }
  if (head->has_unknown_encoding)
    return refuse(stream, {status_code::unimplemented, "messages may come as gzip or as they are"});
  auto call = taker_->take_call(head->route);
  attach(call, stream);
  if (head->packs)
    call->reader_.expect_gzip();
  call->takes_gzip_ = head->packs && head->takes_gzip;
  if (head->timeout.count() >= 0) {
    call->deadline_ = now_ + head->timeout;
    has_deadlines_ = true;
  }
  call->on_begin();
  if (has_ended)
    on_half_close(stream);
}

void http2_session::on_response(std::int32_t stream) {
  auto head = std::exchange(incoming_, nullptr);
  auto* call = call_of(stream);
  if (!head || !call)
    return;
  if (head->packs)
    call->reader_.expect_gzip();
  if (head->has_status) {
    call->has_status_ = true;
    call->status_ = std::move(head->status);
  } else if (head->http_status != 0 && head->http_status != 200) {
    call->has_status_ = true;
    call->status_ = {status_code::unavailable, "HTTP status " + std::to_string(head->http_status)};
  }
}

void http2_session::refuse(std::int32_t stream, const call_status& status,
                           const char* http_status) {
  auto code = std::to_string(static_cast<unsigned>(status.code));
  auto text = percent_encoded(status.text);
  const nghttp2_nv headers[] = {
    constant_header(":status", http_status), constant_header("content-type", "application/grpc"),
    sent_header("grpc-status", code), sent_header("grpc-message", text, NGHTTP2_NV_FLAG_NO_INDEX),
    constant_header("grpc-accept-encoding", "identity,gzip")};
  nghttp2_submit_response(session_, stream, headers, std::size(headers), nullptr);
}

// -- what comes in -------------------------------------------------------------------------------

bool http2_session::hold_partial(http2_call& call, std::size_t bytes) {
  auto before = std::exchange(call.held_, bytes);
  if (bytes <= before) {
    partial_ -= before - bytes;
    common_.partial.give_back(before - bytes);
    return true;
  }
  auto& limits = common_.limits;
  bool known = !taker_ || taker_->is_known();
  auto max = known ? limits.partial_bytes_max : limits.stranger_partial_bytes_max;
  auto more = bytes - before;
  constexpr std::size_t part_of_strangers = 4;
  if (partial_ + more > max || !common_.partial.take(more, known ? 1 : part_of_strangers)) {
    call.held_ = before;
    return false;
  }
  partial_ += more;
  return true;
}

bool http2_session::on_data(std::int32_t stream, std::string_view bytes) {
  auto* call = call_of(stream);
  if (call && !call->deaf_) // else of one that is over
    take_data(*call, bytes);
  constexpr std::size_t waiting_bytes = 256 * 1024;
  paused_amid_ = taker_ && unsent_ > unsent_before_ + waiting_bytes;
  return paused_amid_;
}

void http2_session::take_data(http2_call& of, std::string_view bytes) {
  auto* call = &of;
  auto hold = call->shared_from_this();
  auto wrong = call->reader_.read(bytes, [&](std::string_view message) {
    if (!call->is_over() && !call->deaf_)
      call->on_message(message);
  });
  if (call->is_over() || call->deaf_)
    return call->reader_.clear();
  if (!wrong && !hold_partial(*call, call->reader_.kept())) {
    ++common_.counters.partial_refused;
    wrong = {status_code::resource_exhausted, "too many bytes wait for the rest of their message"};
  }
  if (wrong) {
    call->reader_.clear();
    fail_call(*call, *wrong);
  }
}

void http2_session::on_half_close(std::int32_t stream) {
  auto* call = call_of(stream);
  if (!call || !taker_ || call->deaf_)
    return;
  auto hold = call->shared_from_this();
  if (call->reader_.is_amid())
    return fail_call(*call, {status_code::internal, "the stream ends within a message"});
  call->on_half_close();
}

void http2_session::on_stream_close(std::int32_t stream, std::uint32_t error) {
  auto* call = call_of(stream);
  if (!call)
    return;
  if (taker_)
    return end_call(*call, error == NGHTTP2_NO_ERROR && call->finishing_ ? call->status_
                                                                         : status_of_reset(error));
  auto status = call->has_status_           ? call->status_
                : error != NGHTTP2_NO_ERROR ? status_of_reset(error)
                                            : call_status{status_code::unknown, "no status came"};
  end_call(*call, status);
}

// -- calls ---------------------------------------------------------------------------------------

http2_call* http2_session::call_of(std::int32_t stream) const {
  return static_cast<http2_call*>(nghttp2_session_get_stream_user_data(session_, stream));
}

void http2_session::attach(const http2_call_ptr& call, std::int32_t stream) {
  call->session_ = this;
  call->self_ = call;
  call->stream_ = stream;
  call->next_ = first_call_;
  if (first_call_)
    first_call_->previous_ = call.get();
  first_call_ = call.get();
  ++calls_;
  nghttp2_session_set_stream_user_data(session_, stream, call.get());
}

void http2_session::end_call(http2_call& call, const call_status& status) {
  auto self = std::move(call.self_);
  nghttp2_session_set_stream_user_data(session_, call.stream_, nullptr);
  (call.previous_ ? call.previous_->next_ : first_call_) = call.next_;
  if (call.next_)
    call.next_->previous_ = call.previous_;
  --calls_;
  last_call_ = now_;
  drop_queue(call);
  hold_partial(call, 0);
  call.session_ = nullptr;
  auto said = status;
  call.on_end(said);
}

void http2_session::fail_call(http2_call& call, const call_status& status) {
  auto stream = call.stream_;
  auto hold = call.shared_from_this();
  if (!taker_ || (call.headers_sent_ && (call.offset_ > 0 || !has_window(stream)))) {
    cut_off(call, status);
  } else if (!call.headers_sent_) {
    end_call(call, status);
    refuse(stream, status);
  } else { // its headers are on their way: the status follows
    drop_queue(call);
    call.deaf_ = true;
    call.finishing_ = true;
    call.status_ = status;
    wake(call);
  }
  note_output();
}

bool http2_session::has_window(std::int32_t stream) const {
  return nghttp2_session_get_remote_window_size(session_) > 0
         && nghttp2_session_get_stream_remote_window_size(session_, stream) > 0;
}

void http2_session::drop_queue(http2_call& call) {
  unsent_ -= call.unsent_;
  call.unsent_ = call.offset_ = 0;
  while (call.first_) // one by one: a long list would take a deep stack
    call.first_ = std::move(call.first_->next);
  call.last_ = nullptr;
}

void http2_session::cancel(http2_call& call) {
  cut_off(call, {status_code::cancelled, "cancelled"});
}

void http2_session::cut_off(http2_call& call, const call_status& status) {
  auto stream = call.stream_;
  auto hold = call.shared_from_this();
  end_call(call, status);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  note_output();
}

} // namespace nacre
