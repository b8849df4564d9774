#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace nacre {

/// Who a TLS end is and whom it trusts: PEM files.
struct tls_files {
  bool enabled = false;
  /// Whether a server wants to see a certificate of its clients.
  bool client_auth = false;
  /// Whether a server serves those as well who speak no TLS.
  bool plain_too = false;
  std::string certificate;
  std::string key;
  std::string trust;
};

/// From the options of a port, which name them alike.
template <class Options>
tls_files tls_files_of(const Options& opts) {
  return {opts.tls_enabled,          opts.tls_client_auth, opts.tls_compatibility,
          opts.tls_certificate_file, opts.tls_key_file,    opts.tls_trust_file};
}

/// What connections of one kind have in common; it counts its own owners.
using tls_context = std::shared_ptr<SSL_CTX>;

/// Null if TLS is not enabled.
/// @throws std::runtime_error that names the file which can't be used, and what is wrong with it
tls_context server_tls(const tls_files& files);
tls_context client_tls(const tls_files& files);

} // namespace nacre
