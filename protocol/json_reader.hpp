#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacre {

namespace detail {
struct json_impl;
}

/// A value of a `json_document`; valid as long as the document. Wraps the parser so that only one
/// translation unit pays for its headers.
class json_value {
public:
  json_value() = default;

  bool is_object() const;
  bool is_array() const;
  bool is_null() const;

  std::optional<std::string_view> string() const;
  std::optional<double> number() const;
  std::optional<bool> boolean() const;

  /// A string as it is, a number or boolean as text, nothing for the rest: how Jackson fills a
  /// `String` field.
  std::optional<std::string> scalar_text() const;

  /// The member `key` of an object; a value that is nothing if there is none.
  json_value operator[](std::string_view key) const;

  /// How many members or elements there are, up to 16 million, without going through them; 0 for
  /// the rest.
  std::size_t size() const;

  std::vector<std::pair<std::string_view, json_value>> members() const;
  std::vector<json_value> elements() const;

  /// Whether there is a value at all.
  explicit operator bool() const { return document_ != nullptr; }

private:
  friend class json_document;
  friend struct detail::json_impl;
  const void* document_ = nullptr;
  std::size_t index_ = 0;
};

/// Text parsed as JSON: depth bounded (64), numbers and UTF-8 checked. Bad text gives a document
/// whose root is nothing and an `error()`. One thread at a time.
class json_document {
public:
  explicit json_document(std::string_view text);
  ~json_document();
  json_document(const json_document&) = delete;
  json_document& operator=(const json_document&) = delete;

  json_value root() const;

  /// What is wrong with the text, for people; empty if it was read.
  const std::string& error() const { return error_; }

private:
  std::unique_ptr<detail::json_impl> impl_;
  std::string error_;
};

} // namespace nacre
