#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace nacre {

/// The JSON of a message, in pieces: what is long in it, the instances of a service, is held once
/// for all messages that tell of them.
struct message_body {
  message_body() = default;
  message_body(std::string x) : text(std::move(x)) {}
  message_body(std::string_view x) : text(x) {}
  message_body(const char* x) : text(x) {}

  /// All of it, or what is in front of `shared`.
  std::string text;
  /// Null if nothing is shared.
  std::shared_ptr<const std::string> shared;
  /// What follows `shared`.
  std::string rest;

  std::size_t size() const { return text.size() + (shared ? shared->size() : 0) + rest.size(); }
  bool empty() const { return size() == 0; }
  std::string str() const { return shared ? text + *shared + rest : text; }

  /// The piece at the end, to append to.
  std::string& end() { return shared ? rest : text; }
};

} // namespace nacre
