#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "actors/batch_threads.hpp"

/// What every port and every channel of ours needs of grpc++.
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

/// @throws std::runtime_error if a file can't be read
std::shared_ptr<grpc::ServerCredentials> server_credentials(const tls_files& files);

/// @throws std::runtime_error if a file can't be read
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const tls_files& files);

/// Sets up, once per process, what the libraries below grpc++ share: their logs become ours.
void prepare_grpc();

/// While it lives, threads that this one starts do batch work, as those of the actors do. Else
/// every answer an actor gives wakes a thread of grpc++ that interrupts it, and the two take turns
/// once per answer instead of once per round: that is half of the time of a registration on one
/// core.
class batch_starter {
public:
  batch_starter() { set_batch_work(true); }
  ~batch_starter() { set_batch_work(false); }
  batch_starter(const batch_starter&) = delete;
  batch_starter& operator=(const batch_starter&) = delete;
};

/// Builds and starts a server on `address`, which has to have all to itself.
/// @param port in use; the one asked for unless that was 0
/// @throws std::runtime_error if the port can't be had
std::unique_ptr<grpc::Server> start_server(grpc::ServerBuilder& builder, const std::string& address,
                                           const tls_files& files, int& port);

} // namespace nacre
