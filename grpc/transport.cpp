#include "grpc/transport.hpp"

#include <mutex>
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
  google::protobuf::SetLogHandler([](google::protobuf::LogLevel, const char*, int,
                                     const std::string& text) { log_below("protobuf", text); });
}

} // namespace

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
  // grpc++ takes any of the unspecified addresses for "all of both families".
  auto host = address.empty()                     ? std::string("[::]")
              : address.find(':') == address.npos ? address
                                                  : '[' + address + ']';
  auto wanted = std::to_string(port);
  builder.AddListeningPort(host + ':' + wanted, server_credentials(files), &port);
  // Or a second node on the same port would take half of the clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  auto server = builder.BuildAndStart();
  if (!server || port == 0)
    throw std::runtime_error("can't listen on " + host + ':' + wanted + " (gRPC)");
  return server;
}

peer_address parse_peer(std::string_view text) {
  auto scheme = text.find(':');
  if (scheme != text.npos && (text.starts_with("ipv4:") || text.starts_with("ipv6:")))
    text.remove_prefix(scheme + 1);
  auto colon = text.rfind(':');
  if (colon == text.npos)
    return {std::string(text), "0"};
  std::string ip(text.substr(0, colon));
  for (std::string_view mark : {"[", "]", "%5B", "%5D", "::ffff:"})
    if (auto at = ip.find(mark); at != ip.npos)
      ip.erase(at, mark.size());
  return {std::move(ip), std::string(text.substr(colon + 1))};
}

} // namespace nacre
