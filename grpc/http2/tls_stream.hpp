#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "grpc/http2/tls_files.hpp"

namespace nacre {

/// TLS of one connection: bytes in, bytes out, no socket. It keeps no buffer of its own while
/// nothing is under way. One thread.
class tls_stream {
public:
  /// As the server.
  explicit tls_stream(const tls_context& context);

  /// As a client of `host`, a name or an address, which the other's certificate has to be for.
  tls_stream(const tls_context& context, const std::string& host);

  ~tls_stream();
  tls_stream(const tls_stream&) = delete;
  tls_stream& operator=(const tls_stream&) = delete;

  /// Takes what arrived: appends what it means to `plain`, and what has to be answered to `out`.
  /// @returns false if the connection has ended, rightly or not
  bool receive(std::string_view bytes, std::string& plain, std::string& out);

  /// Appends to `out` what `plain` becomes; only once it is open.
  bool send(std::string_view plain, std::string& out);

  /// Begins, as a client.
  bool start(std::string& out) { return receive({}, out, out); }

  /// Says that nothing more comes.
  void close(std::string& out);

  /// Both ends know with whom they speak.
  bool is_open() const { return SSL_is_init_finished(ssl_.get()) != 0; }

  /// What went wrong, for a log line.
  std::string problem() const;

private:
  struct pipe;

  explicit tls_stream(SSL* ssl);
  static const BIO_METHOD* pipe_method();

  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  /// What is being read and written just now.
  std::string_view in_;
  std::string* out_ = nullptr;
  std::string problem_;
};

} // namespace nacre
