#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Small text functions with Java's meaning where Nacos' answers depend on it. Pure, any thread.
namespace nacre {

std::string_view trim(std::string_view text);

bool equals_ignore_case(std::string_view a, std::string_view b);

bool starts_with_ignore_case(std::string_view text, std::string_view prefix);

/// Whether nothing but blanks is in `text`.
bool is_blank(std::string_view text);

/// Parts of `text` between `separator`s; an empty text has none.
std::vector<std::string_view> split(std::string_view text, char separator);

struct host_port {
  std::string_view host;
  std::uint16_t port = 0;
};

/// `host:port`, cut at its last colon; nothing without a port from 0 to 65535.
std::optional<host_port> split_host_port(std::string_view text);

/// A whole decimal number with optional sign, as `Integer.parseInt` takes it.
std::optional<std::int32_t> parse_int32(std::string_view text);
std::optional<std::int64_t> parse_int64(std::string_view text);

/// A floating point number as `Double.parseDouble` takes it, hexadecimal forms left out.
std::optional<double> parse_double(std::string_view text);

/// `true on yes t y` (any case) are true, all else is false: Nacos' `ConvertUtils.toBoolean`.
bool parse_lenient_bool(std::string_view text);

/// Spring's conversion of forms: `true on yes 1`, `false off no 0`, else nothing.
std::optional<bool> parse_strict_bool(std::string_view text);

/// Characters of a UTF-8 text as Java counts them (UTF-16 units).
std::size_t utf16_length(std::string_view text);

/// Replaces every byte sequence that is not UTF-8 by U+FFFD, so that it can stand in JSON.
void make_valid_utf8(std::string& text);

/// `text` for an HTML-free JSON or log line: a copy cut to `bytes_max` at a character's end.
std::string shortened(std::string_view text, std::size_t bytes_max);

/// Java's `String.hashCode` over UTF-16 units.
std::int32_t java_hash(std::string_view text);

} // namespace nacre
