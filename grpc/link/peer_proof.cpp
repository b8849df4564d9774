#include "grpc/link/peer_proof.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace nacre {

namespace {

constexpr std::size_t nonce_bytes = 32;

std::string hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (auto x : bytes) {
    text += "0123456789abcdef"[x >> 4];
    text += "0123456789abcdef"[x & 15];
  }
  return text;
}

/// With its length in front, so that no two lists of parts make the same text.
void append_part(std::string& text, std::string_view part) {
  for (int shift : {24, 16, 8, 0})
    text += static_cast<char>(part.size() >> shift & 0xff);
  text += part;
}

} // namespace

std::string make_nonce() {
  std::array<unsigned char, nonce_bytes> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("no random numbers");
  return hex(bytes);
}

bool is_nonce(std::string_view text) {
  return text.size() == 2 * nonce_bytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string link_proof(link_role role, const cluster_identity& identity,
                       const link_handshake& said) {
  std::string text;
  append_part(text, role == link_role::dialer ? "dial" : "accept");
  for (auto* part :
       {&said.dialer_nonce, &said.acceptor_nonce, &said.dialer, &said.acceptor, &identity.key})
    append_part(text, *part);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), identity.value.data(), static_cast<int>(identity.value.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size))
    throw std::runtime_error("no HMAC-SHA256");
  return hex({mac.data(), size});
}

bool same_proof(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace nacre
