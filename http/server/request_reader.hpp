#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "http/server/http_call.hpp"

namespace nacre {

/// Reads one request out of the bytes of a connection, in any pieces. Refuses what others may
/// read otherwise: a folded line, a body whose end is not said once and clearly (RFC 9112 §5.2,
/// §6.3, §11.2). One thread.
class request_reader final : private boost::beast::http::basic_parser<true> {
public:
  /// @param header_max bytes of the request line and the headers at most
  request_reader(std::size_t header_max, std::size_t body_max,
                 std::shared_ptr<const std::string> remote_ip);

  /// Takes what it can. @returns how many bytes that were
  /// @param refused the status to refuse the request with, else 0
  std::size_t take(std::string_view bytes, unsigned& refused);

  using basic_parser::is_done;
  using basic_parser::keep_alive;

  /// Whether the client waits for a word before it sends the body; told once.
  bool wants_to_go_on();

  /// Only once it is done, and as long as the bytes are that were taken last.
  const http_request& request();

  /// How much of the body has come, and what that takes of memory.
  std::size_t body_length() const { return body_.size(); }
  std::size_t body_bytes() const { return body_.capacity(); }

  /// Nobody looks at the body any more.
  void drop_body();

  bool is_head() const { return request_.method == http_method::head; }
  bool speaks_http10() const { return version_ == 10; }

private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb method, string_view method_name, string_view target,
                       int version, error_code& failed) override;
  void on_field_impl(boost::beast::http::field field, string_view name, string_view value,
                     error_code& failed) override;
  void on_header_impl(error_code& failed) override;
  std::size_t on_body_impl(string_view bytes, error_code& failed) override;
  std::size_t on_chunk_body_impl(std::uint64_t left, string_view bytes,
                                 error_code& failed) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, string_view, int, error_code&) override {}

  void note_other_header(std::string_view name, std::string_view value);
  /// More is to come, and the bytes that `request_` looks at may go.
  void keep_texts();

  http_request request_;
  std::string_view target_;
  std::string body_;
  /// What `request_` looks at, if it did not come at once.
  std::string kept_;
  int version_ = 11;
  /// How many lines say where the body ends, and whether each does so clearly.
  int lengths_ = 0;
  int encodings_ = 0;
  bool is_clear_ = true;
  bool expects_continue_ = false;
};

} // namespace nacre
