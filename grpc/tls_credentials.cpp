#include "grpc/tls_credentials.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include <openssl/ssl.h>

namespace nacre {

namespace {

struct tls_file {
  std::string_view what;
  const std::string& path;
};

std::runtime_error unusable(const tls_file& file, std::string_view why) {
  return std::runtime_error("can't use the " + std::string(file.what) + " \"" + file.path
                            + "\": " + std::string(why));
}

std::string read_file(const tls_file& file) {
  std::ifstream in(file.path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in || text.str().empty())
    throw unusable(file, "it is missing or empty");
  return text.str();
}

/// Reads the files as grpc++ will.
void check_files(const tls_file& certificate, const tls_file& key, const tls_file* trust) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls(SSL_CTX_new(TLS_server_method()),
                                                        &SSL_CTX_free);
  // Nobody is at the terminal to be asked for a passphrase.
  SSL_CTX_set_default_passwd_cb(tls.get(), [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(tls.get(), certificate.path.c_str()) != 1)
    throw unusable(certificate, "it begins with no PEM certificate");
  if (SSL_CTX_use_PrivateKey_file(tls.get(), key.path.c_str(), SSL_FILETYPE_PEM) != 1)
    throw unusable(key, "it is no plain PEM key, or not that of the certificate");
  if (trust && SSL_CTX_load_verify_file(tls.get(), trust->path.c_str()) != 1)
    throw unusable(*trust, "it holds no PEM certificate");
}

tls_file certificate_of(const tls_files& files) { return {"TLS certificate", files.certificate}; }
tls_file key_of(const tls_files& files) { return {"TLS key", files.key}; }
tls_file trust_of(const tls_files& files) { return {"TLS trust collection", files.trust}; }

} // namespace

std::shared_ptr<grpc::ServerCredentials> server_credentials(const tls_files& files) {
  if (!files.enabled)
    return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls(
    files.client_auth ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                      : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  auto trust = trust_of(files);
  // Without it no client's certificate would do.
  bool trusts = files.client_auth || !files.trust.empty();
  tls.pem_key_cert_pairs.push_back({read_file(key_of(files)), read_file(certificate_of(files))});
  if (trusts)
    tls.pem_root_certs = read_file(trust);
  check_files(certificate_of(files), key_of(files), trusts ? &trust : nullptr);
  return grpc::SslServerCredentials(tls);
}

std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const tls_files& files) {
  if (!files.enabled)
    return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  if (!files.trust.empty())
    tls.pem_root_certs = read_file(trust_of(files));
  if (files.key.empty())
    return grpc::SslCredentials(tls);
  tls.pem_private_key = read_file(key_of(files));
  tls.pem_cert_chain = read_file(certificate_of(files));
  return grpc::SslCredentials(tls);
}

} // namespace nacre
