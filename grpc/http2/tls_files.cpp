#include "grpc/http2/tls_files.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include <openssl/err.h>

namespace nacre {

namespace {

struct tls_file {
  std::string_view what;
  const std::string& path;
};

std::runtime_error unusable(const tls_file& file, std::string_view why) {
  ERR_clear_error();
  return std::runtime_error("can't use the " + std::string(file.what) + " \"" + file.path
                            + "\": " + std::string(why));
}

void check_readable(const tls_file& file) {
  std::ifstream in(file.path, std::ios::binary);
  if (!in || in.peek() == std::ifstream::traits_type::eof())
    throw unusable(file, "it is missing or empty");
}

tls_file certificate_of(const tls_files& files) { return {"TLS certificate", files.certificate}; }
tls_file key_of(const tls_files& files) { return {"TLS key", files.key}; }
tls_file trust_of(const tls_files& files) { return {"TLS trust collection", files.trust}; }

tls_context make_context(const SSL_METHOD* method) {
  tls_context context(SSL_CTX_new(method), &SSL_CTX_free);
  if (!context)
    throw std::runtime_error("no TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // Nobody is at the terminal to be asked for a passphrase.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
  return context;
}

/// Key and certificate; all files are looked at before any is used.
void use_identity(SSL_CTX* context, const tls_files& files) {
  auto certificate = certificate_of(files);
  auto key = key_of(files);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.path.c_str()) != 1)
    throw unusable(certificate, "it begins with no PEM certificate");
  if (SSL_CTX_use_PrivateKey_file(context, key.path.c_str(), SSL_FILETYPE_PEM) != 1)
    throw unusable(key, "it is no plain PEM key, or not that of the certificate");
}

void use_trust(SSL_CTX* context, const tls_files& files) {
  auto trust = trust_of(files);
  if (SSL_CTX_load_verify_file(context, trust.path.c_str()) != 1)
    throw unusable(trust, "it holds no PEM certificate");
}

/// The protocol of HTTP/2 among those that a client names; who names none is taken for one that
/// means it.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char h2[] = {2, 'h', '2'};
  auto* out = const_cast<unsigned char**>(chosen);
  return SSL_select_next_proto(out, chosen_size, h2, sizeof h2, offered, offered_size)
             == OPENSSL_NPN_NEGOTIATED
           ? SSL_TLSEXT_ERR_OK
           : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

tls_context server_tls(const tls_files& files) {
  if (!files.enabled)
    return nullptr;
  check_readable(key_of(files));
  check_readable(certificate_of(files));
  // Without it no client's certificate would do.
  bool trusts = files.client_auth || !files.trust.empty();
  if (trusts)
    check_readable(trust_of(files));
  auto context = make_context(TLS_server_method());
  use_identity(context.get(), files);
  if (trusts)
    use_trust(context.get(), files);
  if (files.client_auth)
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Tickets would let a client in after its certificate was taken back.
  static constexpr unsigned char name[] = "nacre";
  SSL_CTX_set_session_id_context(context.get(), name, sizeof name - 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

tls_context client_tls(const tls_files& files) {
  if (!files.enabled)
    return nullptr;
  if (!files.trust.empty())
    check_readable(trust_of(files));
  if (!files.key.empty()) {
    check_readable(key_of(files));
    check_readable(certificate_of(files));
  }
  auto context = make_context(TLS_client_method());
  if (!files.key.empty())
    use_identity(context.get(), files);
  if (files.trust.empty())
    SSL_CTX_set_default_verify_paths(context.get());
  else
    use_trust(context.get(), files);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  static constexpr unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), h2, sizeof h2);
  return context;
}

} // namespace nacre
