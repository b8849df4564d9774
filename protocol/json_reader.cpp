#include "protocol/json_reader.hpp"

#include <algorithm>

#include <simdjson.h>

namespace nacre {

namespace {

constexpr std::size_t depth_max = 64;

} // namespace

namespace detail {

/// A parser and the tape it made. Reused by the next document of the same thread, because a
/// parser's buffers cost more than a beat's text.
struct json_impl {
  simdjson::dom::parser parser;
  std::string padded;
  simdjson::dom::element root;
  /// Elements that were handed out; a `json_value` is an index into them.
  mutable std::vector<simdjson::dom::element> handed;

  static const json_impl& of(const json_value& x) {
    return *static_cast<const json_impl*>(x.document_);
  }

  static const simdjson::dom::element* element(const json_value& x) {
    return x.document_ ? &of(x).handed[x.index_] : nullptr;
  }

  json_value hand_out(simdjson::dom::element x) const {
    json_value value;
    value.document_ = this;
    value.index_ = handed.size();
    handed.push_back(x);
    return value;
  }
};

} // namespace detail

using detail::json_impl;

namespace {

std::unique_ptr<json_impl>& spare() {
  thread_local std::unique_ptr<json_impl> instance;
  return instance;
}

} // namespace

json_document::json_document(std::string_view text) : impl_(std::move(spare())) {
  if (!impl_)
    impl_ = std::make_unique<json_impl>();
  auto& x = *impl_;
  x.handed.clear();
  x.padded.assign(text);
  x.padded.append(simdjson::SIMDJSON_PADDING, '\0');
  auto ec = simdjson::SUCCESS;
  if (x.parser.capacity() < text.size() || x.parser.max_depth() != depth_max)
    ec = x.parser.allocate(std::max<std::size_t>(text.size(), 1024), depth_max);
  if (!ec)
    ec = x.parser.parse(x.padded.data(), text.size(), false).get(x.root);
  if (ec)
    error_ = simdjson::error_message(ec);
}

json_document::~json_document() {
  constexpr std::size_t keep_bytes_max = 64 * 1024;
  if (impl_->padded.capacity() <= keep_bytes_max)
    spare() = std::move(impl_);
}

json_value json_document::root() const {
  return error_.empty() ? impl_->hand_out(impl_->root) : json_value{};
}

bool json_value::is_object() const {
  auto x = json_impl::element(*this);
  return x && x->is_object();
}

bool json_value::is_array() const {
  auto x = json_impl::element(*this);
  return x && x->is_array();
}

bool json_value::is_null() const {
  auto x = json_impl::element(*this);
  return x && x->is_null();
}

std::optional<std::string_view> json_value::string() const {
  std::string_view text;
  auto x = json_impl::element(*this);
  if (!x || x->get(text))
    return std::nullopt;
  return text;
}

std::optional<double> json_value::number() const {
  double value = 0;
  auto x = json_impl::element(*this);
  if (!x || x->get(value))
    return std::nullopt;
  return value;
}

std::optional<bool> json_value::boolean() const {
  bool value = false;
  auto x = json_impl::element(*this);
  if (!x || x->get(value))
    return std::nullopt;
  return value;
}

std::optional<std::string> json_value::scalar_text() const {
  auto x = json_impl::element(*this);
  if (!x || x->is_object() || x->is_array() || x->is_null())
    return std::nullopt;
  if (auto text = string())
    return std::string(*text);
  return simdjson::minify(*x);
}

json_value json_value::operator[](std::string_view key) const {
  auto x = json_impl::element(*this);
  simdjson::dom::element member;
  if (!x || !x->is_object() || x->at_key(key).get(member))
    return {};
  return json_impl::of(*this).hand_out(member);
}

std::size_t json_value::size() const {
  simdjson::dom::object object;
  simdjson::dom::array array;
  auto x = json_impl::element(*this);
  if (x && !x->get(object))
    return object.size();
  return x && !x->get(array) ? array.size() : 0;
}

std::vector<std::pair<std::string_view, json_value>> json_value::members() const {
  std::vector<std::pair<std::string_view, json_value>> result;
  simdjson::dom::object object;
  auto x = json_impl::element(*this);
  if (x && !x->get(object))
    for (auto field : object)
      result.emplace_back(field.key, json_impl::of(*this).hand_out(field.value));
  return result;
}

std::vector<json_value> json_value::elements() const {
  std::vector<json_value> result;
  simdjson::dom::array array;
  auto x = json_impl::element(*this);
  if (x && !x->get(array))
    for (auto element : array)
      result.push_back(json_impl::of(*this).hand_out(element));
  return result;
}

} // namespace nacre
