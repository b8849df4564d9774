#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/service_metadata.hpp"

namespace nacre {

/// Writes JSON text. Strings must be UTF-8 (see `make_valid_utf8`). Wraps RapidJSON's writer so
/// that only one translation unit pays for its headers.
class json_writer {
public:
  json_writer();
  ~json_writer();
  json_writer(const json_writer&) = delete;
  json_writer& operator=(const json_writer&) = delete;

  json_writer& begin_object();
  json_writer& end_object();
  json_writer& begin_array();
  json_writer& end_array();
  json_writer& key(std::string_view name);

  json_writer& string(std::string_view x);
  json_writer& integer(std::int64_t x);
  /// A number that JSON can't hold is written as Java's Jackson does: a string like `"NaN"`.
  json_writer& real(double x);
  json_writer& boolean(bool x);
  json_writer& null();
  /// Puts text that is JSON already.
  json_writer& raw(std::string_view json);

  json_writer& field(std::string_view name, std::string_view x) { return key(name).string(x); }
  json_writer& field(std::string_view name, const char* x) { return key(name).string(x); }
  json_writer& field(std::string_view name, bool x) { return key(name).boolean(x); }
  json_writer& field(std::string_view name, double x) { return key(name).real(x); }
  template <class Integer>
  requires std::is_integral_v<Integer> json_writer& field(std::string_view name, Integer x) {
    return key(name).integer(static_cast<std::int64_t>(x));
  }
  json_writer& null_field(std::string_view name) { return key(name).null(); }

  /// Bytes written so far.
  std::size_t size() const;

  std::string_view view() const;

  std::string take() const { return std::string(view()); }

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// `{"k":"v",…}`
void write(json_writer& out, const metadata_map& map);

/// `{"type":"none","contextType":"NONE"}` or the label selector's form.
void write(json_writer& out, const selector& x);

/// The checker with its `type`.
void write(json_writer& out, const health_checker& x);

/// One element of `hosts` (Nacos `api.naming.pojo.Instance`). `shown_healthy` differs from the
/// instance's own when a protection threshold is reached.
void write_host(json_writer& out, const service_key_view& service, const instance& x,
                bool shown_healthy);

} // namespace nacre
