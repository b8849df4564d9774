#include "http/server/request_reader.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "protocol/text.hpp"

namespace nacre {

namespace http = boost::beast::http;

namespace {

http_method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return http_method::get;
    case http::verb::head:
      return http_method::head;
    case http::verb::post:
      return http_method::post;
    case http::verb::put:
      return http_method::put;
    case http::verb::delete_:
      return http_method::del;
    case http::verb::patch:
      return http_method::patch;
    default:
      return http_method::other;
  }
}

std::string_view view(boost::beast::string_view x) { return {x.data(), x.size()}; }

/// Whether a line of `head` goes on in the next, which begins with a blank (RFC 9112 §5.2).
bool is_folded(std::string_view head) {
  for (auto end = head.find('\n'); end != head.npos && end + 1 < head.size();
       end = head.find('\n', end + 1))
    if (head[end + 1] == ' ' || head[end + 1] == '\t')
      return true;
  return false;
}

/// The path and query of a target, which may also be a whole address (RFC 9112 §3.2.2).
std::string_view origin_form(std::string_view target) {
  auto scheme = target.find("://");
  if (scheme == std::string_view::npos || !equals_ignore_case(target.substr(0, scheme), "http"))
    return target;
  auto path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

bool is_number(std::string_view text) {
  return !text.empty()
         && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

unsigned status_for(const boost::beast::error_code& failed) {
  if (!failed || failed == http::error::need_more)
    return 0;
  if (failed == http::error::header_limit)
    return 431;
  return failed == http::error::body_limit ? 413 : 400;
}

} // namespace

request_reader::request_reader(std::size_t header_max, std::size_t body_max,
                               std::shared_ptr<const std::string> remote_ip) {
  request_.remote_ip = std::move(remote_ip);
  header_limit(static_cast<std::uint32_t>(header_max));
  body_limit(body_max);
}

std::size_t request_reader::take(std::string_view bytes, unsigned& refused) {
  error_code failed;
  bool read_head = false;
  std::size_t taken = 0;
  while (!is_done() && taken < bytes.size() && !failed) {
    auto rest = bytes.substr(taken);
    bool amid_head = !is_header_done();
    // So much is still to come in any case, and Beast counts on it once it has seen the 0.
    constexpr std::string_view last_chunk = "0\r\n\r\n";
    if (!amid_head && chunked() && rest.size() < last_chunk.size())
      break;
    eager(!amid_head); // the first bytes it takes are the head and no more
    auto used = put(boost::asio::buffer(rest.data(), rest.size()), failed);
    // Who unfolds a Content-Length and who skips it see different requests, so nobody is to guess.
    if (amid_head && is_folded(rest.substr(0, used)))
      failed = http::error::bad_obs_fold;
    read_head = read_head || (amid_head && used > 0);
    taken += used;
    if (used == 0)
      break;
  }
  refused = status_for(failed);
  // Of a head that is refused nothing is kept: Beast unfolds a line in memory that is gone by now.
  if (read_head && !is_done() && refused == 0)
    keep_texts();
  return taken;
}

bool request_reader::wants_to_go_on() {
  return is_header_done() && std::exchange(expects_continue_, false);
}

const http_request& request_reader::request() {
  auto target = origin_form(target_);
  auto mark = target.find('?');
  request_.uri = target.substr(0, mark);
  if (mark != std::string_view::npos)
    request_.query = target.substr(mark + 1);
  request_.body = body_;
  return request_;
}

void request_reader::drop_body() {
  request_.body = {};
  std::string().swap(body_);
}

void request_reader::keep_texts() {
  auto texts = {&target_,
                &request_.method_name,
                &request_.content_type,
                &request_.user_agent,
                &request_.client_version,
                &request_.forwarded_for,
                &request_.real_ip};
  std::string kept;
  for (auto* x : texts)
    kept += *x;
  kept_ = std::move(kept);
  std::string_view rest = kept_;
  for (auto* x : texts) {
    *x = rest.substr(0, x->size());
    rest.remove_prefix(x->size());
  }
}

void request_reader::on_request_impl(http::verb method, string_view method_name, string_view target,
                                     int version, error_code&) {
  request_.method = method_of(method);
  request_.method_name = view(method_name);
  target_ = view(target);
  version_ = version;
}

void request_reader::on_field_impl(http::field field, string_view name, string_view text,
                                   error_code&) {
  if (is_header_done())
    return; // behind the body nobody looks for it
  auto value = view(text);
  switch (field) {
    case http::field::content_type:
      request_.content_type = value;
      break;
    case http::field::user_agent:
      request_.user_agent = value;
      break;
    case http::field::expect:
      expects_continue_ = equals_ignore_case(value, "100-continue");
      break;
    case http::field::transfer_encoding:
      ++encodings_;
      is_clear_ = is_clear_ && equals_ignore_case(value, "chunked");
      break;
    case http::field::content_length:
      ++lengths_;
      is_clear_ = is_clear_ && is_number(value);
      break;
    case http::field::unknown:
      note_other_header(view(name), value);
      break;
    default:
      break;
  }
}

void request_reader::note_other_header(std::string_view name, std::string_view value) {
  if (equals_ignore_case(name, "Client-Version"))
    request_.client_version = value;
  else if (equals_ignore_case(name, "X-Forwarded-For"))
    request_.forwarded_for = value;
  else if (equals_ignore_case(name, "X-Real-IP"))
    request_.real_ip = value;
}

void request_reader::on_header_impl(error_code& failed) {
  bool is_said_once = encodings_ + lengths_ <= 1 && (encodings_ == 0 || version_ == 11);
  if (!is_clear_ || !is_said_once)
    failed = http::error::bad_content_length;
}

std::size_t request_reader::on_body_impl(string_view bytes, error_code&) {
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

std::size_t request_reader::on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) {
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

} // namespace nacre
