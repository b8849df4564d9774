#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// How two nodes show each other that they are of one cluster without telling the secret: each
/// signs what both said, with numbers in it that never come twice. Pure but for `make_nonce`, any
/// thread.
///
/// This keeps strangers out. Who can change traffic on its way is kept out by TLS.
namespace nacre {

/// What all nodes of a cluster have and nobody else does.
struct cluster_identity {
  std::string key;
  std::string value;
};

/// What both ends of a new link know by then. All of it is signed, so that a proof is worth nothing
/// for another link, another direction or another pair of nodes.
struct link_handshake {
  /// `host:port`, the main ports
  std::string dialer;
  std::string acceptor;
  std::string dialer_nonce;
  std::string acceptor_nonce;
};

/// Who proves who it is.
enum class link_role : std::uint8_t { dialer, acceptor };

/// 32 random bytes in hexadecimal digits.
/// @throws std::runtime_error if the system has no random numbers
std::string make_nonce();

/// Whether `text` has the form of a nonce.
bool is_nonce(std::string_view text);

/// HMAC-SHA256 in hexadecimal digits.
std::string link_proof(link_role role, const cluster_identity& identity,
                       const link_handshake& said);

/// Compares in a time that does not tell where the texts differ.
bool same_proof(std::string_view a, std::string_view b);

} // namespace nacre
