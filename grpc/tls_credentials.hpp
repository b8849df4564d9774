#pragma once

#include <memory>

#include <grpcpp/grpcpp.h>

#include "config/options.hpp"

namespace nacre {

/// How the SDK port greets: plain, or with TLS from the files of `opts`.
/// @throws std::runtime_error that names the file which can't be used, since grpc++ would only say
///   that it can't listen
std::shared_ptr<grpc::ServerCredentials> server_credentials(const connection_options& opts);

} // namespace nacre
