#pragma once

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

namespace nacre {

/// Who a TLS end is and whom it trusts: PEM files.
struct tls_files {
  bool enabled = false;
  /// Whether a server wants to see a certificate of its clients.
  bool client_auth = false;
  std::string certificate;
  std::string key;
  std::string trust;
};

/// From the options of a port, which name them alike.
template <class Options>
tls_files tls_files_of(const Options& opts) {
  return {opts.tls_enabled, opts.tls_client_auth, opts.tls_certificate_file, opts.tls_key_file,
          opts.tls_trust_file};
}

/// How a port greets: plain, or with TLS.
/// @throws std::runtime_error that names the file which can't be used, since grpc++ would only say
///   that it can't listen
std::shared_ptr<grpc::ServerCredentials> server_credentials(const tls_files& files);

/// @throws std::runtime_error if a file can't be read
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const tls_files& files);

} // namespace nacre
