#pragma once

#include <string>
#include <string_view>

#include "protocol/agreed_command.hpp"
#include "protocol/unreadable_frame.hpp"

namespace nacre {

/// A request in bytes, as an entry of the store's log has it. It begins with its version, so that a
/// later nacre reads what an earlier one wrote. Pure, any thread.
std::string encode_request(const agreed::request& x);
/// @throws unreadable_frame
agreed::request decode_request(std::string_view bytes);

} // namespace nacre
