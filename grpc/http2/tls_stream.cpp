#include "grpc/http2/tls_stream.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace nacre {

/// What OpenSSL reads from and writes to: the strings that its stream was given for the moment.
struct tls_stream::pipe {
  static tls_stream& stream(BIO* bio) { return *static_cast<tls_stream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* bytes, int size) {
    auto& in = stream(bio).in_;
    BIO_clear_retry_flags(bio);
    if (in.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    auto n = std::min(in.size(), static_cast<std::size_t>(size));
    std::memcpy(bytes, in.data(), n);
    in.remove_prefix(n);
    return static_cast<int>(n);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    if (auto* out = stream(bio).out_)
      out->append(bytes, static_cast<std::size_t>(size));
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
};

const BIO_METHOD* tls_stream::pipe_method() {
  static const auto* method = [] {
    auto* x = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "strings");
    if (!x)
      throw std::bad_alloc();
    BIO_meth_set_read(x, &pipe::read);
    BIO_meth_set_write(x, &pipe::write);
    BIO_meth_set_ctrl(x, &pipe::control);
    return x;
  }();
  return method;
}

tls_stream::tls_stream(SSL* ssl) : ssl_(ssl, &SSL_free) {
  auto* bio = ssl ? BIO_new(pipe_method()) : nullptr;
  if (!bio)
    throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
}

tls_stream::tls_stream(const tls_context& context) : tls_stream(SSL_new(context.get())) {
  SSL_set_accept_state(ssl_.get());
}

tls_stream::tls_stream(const tls_context& context, const std::string& host)
  : tls_stream(SSL_new(context.get())) {
  SSL_set_connect_state(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str()) == 1)
    return;
  ERR_clear_error();
  SSL_set1_host(ssl_.get(), host.c_str());
  SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
}

tls_stream::~tls_stream() = default;

bool tls_stream::receive(std::string_view bytes, std::string& plain, std::string& out) {
  in_ = bytes;
  out_ = &out;
  ERR_clear_error();
  int result = 1;
  if (!is_open())
    result = SSL_do_handshake(ssl_.get());
  std::array<char, 16 * 1024> buffer;
  while (result > 0 && is_open()) {
    result = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (result > 0)
      plain.append(buffer.data(), static_cast<std::size_t>(result));
  }
  auto state = SSL_get_error(ssl_.get(), result);
  if (state == SSL_ERROR_SSL && problem_.empty())
    if (auto* text = ERR_reason_error_string(ERR_peek_error()))
      problem_ = text;
  ERR_clear_error();
  out_ = nullptr;
  in_ = {};
  return result > 0 || state == SSL_ERROR_WANT_READ;
}

bool tls_stream::send(std::string_view plain, std::string& out) {
  if (plain.empty())
    return true;
  if (!is_open())
    return false;
  out_ = &out;
  ERR_clear_error();
  std::size_t written = 0;
  auto done = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  out_ = nullptr;
  return done == 1 && written == plain.size();
}

void tls_stream::close(std::string& out) {
  out_ = &out;
  if (is_open())
    SSL_shutdown(ssl_.get());
  ERR_clear_error();
  out_ = nullptr;
}

std::string tls_stream::problem() const {
  auto verified = SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK)
    return X509_verify_cert_error_string(verified);
  return problem_.empty() ? "TLS ended" : problem_;
}

} // namespace nacre
