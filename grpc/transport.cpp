#include "grpc/transport.hpp"

#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>

#include <absl/synchronization/mutex.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include "grpc/payload.hpp"

namespace nacre {

namespace {

/// Texts of the libraries below, which quote what clients sent, become lines of our log.
void log_below(std::string_view library, std::string_view text) {
  if (spdlog::should_log(spdlog::level::debug))
    spdlog::debug("{}: {}", library, loggable(text, 256));
}

void take_over_logs() {
  gpr_set_log_function([](gpr_log_func_args* x) { log_below("grpc", x->message); });
  google::protobuf::SetLogHandler(
    [](google::protobuf::LogLevel, const char*, int, const std::string& text) {
      log_below("protobuf", text);
    });
}

std::string read_file(const std::string& path, std::string_view what) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty())
    throw std::runtime_error("can't read the " + std::string(what) + " \"" + path + '"');
  return text.str();
}

std::string key_of(const tls_files& files) { return read_file(files.key, "TLS key"); }

std::string certificate_of(const tls_files& files) {
  return read_file(files.certificate, "TLS certificate");
}

/// Empty for the certificates that the system trusts.
std::string trust_of(const tls_files& files) {
  return files.trust.empty() ? std::string() : read_file(files.trust, "TLS trust collection");
}

} // namespace

std::shared_ptr<grpc::ServerCredentials> server_credentials(const tls_files& files) {
  if (!files.enabled)
    return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls(
    files.client_auth ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                      : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs.push_back({key_of(files), certificate_of(files)});
  tls.pem_root_certs = trust_of(files);
  return grpc::SslServerCredentials(tls);
}

std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const tls_files& files) {
  if (!files.enabled)
    return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = trust_of(files);
  if (files.key.empty())
    return grpc::SslCredentials(tls);
  tls.pem_private_key = key_of(files);
  tls.pem_cert_chain = certificate_of(files);
  return grpc::SslCredentials(tls);
}

void prepare_grpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Debian builds the locks below grpc++ so that each looks for deadlocks.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    take_over_logs();
  });
}

std::unique_ptr<grpc::Server> start_server(grpc::ServerBuilder& builder, const std::string& address,
                                           const tls_files& files, int& port) {
  auto host = address.find(':') == address.npos ? address : '[' + address + ']';
  auto wanted = std::to_string(port);
  builder.AddListeningPort(host + ':' + wanted, server_credentials(files), &port);
  // Or a second node on the same port would take half of the clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  auto server = builder.BuildAndStart();
  if (!server || port == 0)
    throw std::runtime_error("can't listen on " + address + ':' + wanted + " (gRPC)");
  return server;
}

} // namespace nacre
