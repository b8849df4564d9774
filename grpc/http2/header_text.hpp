#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/base/clocks.hpp"
#include "grpc/http2/call_status.hpp"

/// Values of gRPC's headers. Pure, any thread.
namespace nacre {

/// `grpc-message`: all but the printable ASCII characters, and `%`, as `%` and two hexadecimal
/// digits. A text of more than 1 KiB is cut.
std::string percent_encoded(std::string_view text);

/// The other way. What is no escape is taken as it stands.
std::string percent_decoded(std::string_view text);

/// `grpc-timeout`: up to eight digits and a unit of `H M S m u n`; parts of a millisecond count as
/// one. Nothing if it is none.
std::optional<milliseconds> parse_timeout(std::string_view text);

/// `grpc-status`; `unknown` for what is no number of it.
status_code parse_status(std::string_view text);

/// Whether a content type is gRPC's: `application/grpc`, also followed by `+…` or `;…`.
bool is_grpc_content(std::string_view type);

/// Whether a list of encodings (`grpc-accept-encoding`) names this one.
bool names_encoding(std::string_view list, std::string_view encoding);

} // namespace nacre
