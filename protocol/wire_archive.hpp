#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cereal/cereal.hpp>

#include "protocol/instance.hpp"
#include "protocol/unreadable_frame.hpp"

/// How values of ours become bytes that other nodes and later starts read: the fields of a struct
/// in their order, little endian, counts and indexes in front; in cereal's terms. For the codecs
/// alone: what they offer is `cluster_codec.hpp` and `store_codec.hpp`.
namespace nacre::wire {

using count_type = std::uint32_t;

/// Only buckets are told by lists of plain numbers.
constexpr std::size_t numbers_max = 64 * 1024;

// -- archives ------------------------------------------------------------------------------------

class frame_writer : public cereal::OutputArchive<frame_writer> {
public:
  frame_writer() : OutputArchive(this) {}

  void put(std::string_view bytes) { bytes_.append(bytes); }

  std::string finish() { return std::move(bytes_); }

private:
  std::string bytes_;
};

class frame_reader : public cereal::InputArchive<frame_reader> {
public:
  explicit frame_reader(std::string_view bytes) : InputArchive(this), rest_(bytes) {}

  std::string_view take(std::size_t size) {
    require_room(size);
    auto bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  /// So many bytes are to come. Asked before memory is taken for them.
  void require_room(std::size_t size) const {
    if (size > rest_.size())
      throw unreadable_frame("it is cut off");
  }

  /// The first byte of every form. @throws unreadable_frame if it is another version
  void take_version(std::uint8_t expected) {
    auto found = static_cast<std::uint8_t>(take(1).front());
    if (found != expected)
      throw unreadable_frame("version " + std::to_string(found) + " instead of "
                             + std::to_string(expected));
  }

  /// The same of a form that may be older. @throws unreadable_frame if it is newer, or none
  std::uint8_t take_version_up_to(std::uint8_t newest) {
    auto found = static_cast<std::uint8_t>(take(1).front());
    if (found == 0 || found > newest)
      throw unreadable_frame("version " + std::to_string(found) + " instead of one up to "
                             + std::to_string(newest));
    return found;
  }

  void require_end() const {
    if (!rest_.empty())
      throw unreadable_frame("bytes after its end");
  }

private:
  std::string_view rest_;
};

} // namespace nacre::wire

CEREAL_SETUP_ARCHIVE_TRAITS(nacre::wire::frame_reader, nacre::wire::frame_writer)

namespace nacre::wire {

// -- what structs consist of ---------------------------------------------------------------------

template <class T>
requires requires(T& x) { x.fields(); }
auto fields_of(T& x) { return x.fields(); }

inline auto fields_of(instance& x) {
  return std::tie(x.ip, x.port, x.cluster_name, x.weight, x.generator, x.id, x.metadata, x.healthy,
                  x.enabled, x.ephemeral);
}

template <class T>
concept has_fields = requires(T& x) {
  fields_of(x);
};

/// Checks what was read beyond the sum of its fields, and restores what the others rely on.
template <class T>
void complete(T&) {}

inline void complete(instance& x) {
  if (x.generator > id_generator::given)
    throw unreadable_frame("an id generator nobody knows");
  bool needs_id = x.generator == id_generator::snowflake || x.generator == id_generator::given;
  if (needs_id && !x.id)
    throw unreadable_frame("an instance without its id");
}

/// Whoever wrote it: all others rely on the order.
inline metadata_map in_order(metadata_map x) {
  auto misplaced =
    std::adjacent_find(x.begin(), x.end(), [](auto& a, auto& b) { return a.first >= b.first; });
  return misplaced == x.end() ? std::move(x) : make_metadata(std::move(x));
}

inline void complete(instance_override& x) { x.metadata = in_order(std::move(x.metadata)); }

template <class T>
constexpr bool is_pair = false;
template <class A, class B>
constexpr bool is_pair<std::pair<A, B>> = true;

template <class T>
constexpr bool is_variant = false;
template <class... Ts>
constexpr bool is_variant<std::variant<Ts...>> = true;

template <class T>
constexpr std::size_t least_bytes();

template <class... Ts>
constexpr std::size_t least_bytes_of_all(std::type_identity<std::tuple<Ts&...>>) {
  return (least_bytes<Ts>() + ...);
}

/// Bytes that the smallest value of a type takes on the wire.
template <class T>
constexpr std::size_t least_bytes() {
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>)
    return sizeof(T);
  else if constexpr (std::is_same_v<T, id_text_ptr> || is_variant<T>)
    return sizeof(std::uint8_t);
  else if constexpr (is_pair<T>)
    return least_bytes<typename T::first_type>() + least_bytes<typename T::second_type>();
  else if constexpr (has_fields<T>)
    return least_bytes_of_all(std::type_identity<decltype(fields_of(std::declval<T&>()))>{});
  else
    return sizeof(count_type); // strings and vectors
}

// -- each type to and from the wire, where cereal looks for it -----------------------------------

template <std::integral T>
void save(frame_writer& out, const T& x) {
  std::array<char, sizeof(T)> bytes;
  auto bits = static_cast<std::make_unsigned_t<T>>(x);
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(bits) >> 8 * i & 0xff);
  out.put({bytes.data(), bytes.size()});
}

template <std::integral T>
void load(frame_reader& in, T& x) {
  auto bytes = in.take(sizeof(T));
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << 8 * i;
  x = static_cast<T>(bits);
}

inline void save(frame_writer& out, const bool& x) { out(static_cast<std::uint8_t>(x)); }

inline void load(frame_reader& in, bool& x) {
  std::uint8_t byte = 0;
  in(byte);
  if (byte > 1)
    throw unreadable_frame("a truth that is neither 0 nor 1");
  x = byte == 1;
}

inline void save(frame_writer& out, const double& x) { out(std::bit_cast<std::uint64_t>(x)); }

inline void load(frame_reader& in, double& x) {
  std::uint64_t bits = 0;
  in(bits);
  x = std::bit_cast<double>(bits);
}

/// What is kept of a text differs, the wire does not.
template <class T>
concept text_value =
  std::same_as<T, std::string> || std::same_as<T, short_text> || std::same_as<T, shared_text>;

template <text_value T>
void save(frame_writer& out, const T& x) {
  std::string_view text = x;
  out(static_cast<count_type>(text.size()));
  out.put(text);
}

template <text_value T>
void load(frame_reader& in, T& x) {
  count_type size = 0;
  in(size);
  x = in.take(size);
}

template <class A, class B>
void save(frame_writer& out, const std::pair<A, B>& x) {
  out(x.first, x.second);
}

template <class A, class B>
void load(frame_reader& in, std::pair<A, B>& x) {
  in(x.first, x.second);
}

template <class T>
void save(frame_writer& out, const std::vector<T>& xs) {
  out(static_cast<count_type>(xs.size()));
  for (auto& x : xs)
    out(x);
}

template <class T>
void load(frame_reader& in, std::vector<T>& xs) {
  count_type count = 0;
  in(count);
  if (std::is_arithmetic_v<T> && count > numbers_max)
    throw unreadable_frame("more buckets than there can be");
  in.require_room(std::size_t{count} * least_bytes<T>());
  xs.resize(count);
  for (auto& x : xs)
    in(x);
}

inline void save(frame_writer& out, const shared_metadata& x) { out(x.map()); }

inline void load(frame_reader& in, shared_metadata& x) {
  metadata_map map;
  in(map);
  x = in_order(std::move(map));
}

template <class Key, class T, class Less>
void save(frame_writer& out, const std::map<Key, T, Less>& xs) {
  out(static_cast<count_type>(xs.size()));
  for (auto& [key, x] : xs)
    out(key, x);
}

template <class Key, class T, class Less>
void load(frame_reader& in, std::map<Key, T, Less>& xs) {
  count_type count = 0;
  in(count);
  in.require_room(std::size_t{count} * (least_bytes<Key>() + least_bytes<T>()));
  for (; count > 0; --count) {
    Key key;
    in(key);
    in(xs[std::move(key)]);
  }
}

inline void save(frame_writer& out, const id_text_ptr& x) {
  out(x != nullptr);
  if (x)
    out(x->text);
}

inline void load(frame_reader& in, id_text_ptr& x) {
  bool there = false;
  in(there);
  if (!there)
    return;
  std::string text;
  in(text);
  x = new id_text(std::move(text));
}

/// An empty value of the alternative with that index.
/// @throws unreadable_frame if there is none
template <class Variant, std::size_t... Kinds>
Variant blank(std::size_t kind, std::index_sequence<Kinds...>) {
  Variant x;
  bool known = ((kind == Kinds && (x.template emplace<Kinds>(), true)) || ...);
  if (!known)
    throw unreadable_frame("kind " + std::to_string(kind) + ", which this version does not know");
  return x;
}
template <class Variant>
Variant blank(std::size_t kind) {
  static_assert(std::variant_size_v<Variant> <= std::numeric_limits<std::uint8_t>::max());
  return blank<Variant>(kind, std::make_index_sequence<std::variant_size_v<Variant>>());
}

template <class... Ts>
void save(frame_writer& out, const std::variant<Ts...>& x) {
  out(static_cast<std::uint8_t>(x.index()));
  std::visit([&](auto& body) { out(body); }, x);
}

template <class... Ts>
void load(frame_reader& in, std::variant<Ts...>& x) {
  std::uint8_t kind = 0;
  in(kind);
  x = blank<std::variant<Ts...>>(kind);
  std::visit([&](auto& body) { in(body); }, x);
}

template <class Archive, has_fields T>
void serialize(Archive& archive, T& x) {
  std::apply(archive, fields_of(x));
  if constexpr (Archive::is_loading::value)
    complete(x);
}

// -- whole values --------------------------------------------------------------------------------

/// A value behind the version of its form.
template <class T>
std::string to_bytes(std::uint8_t version, const T& x) {
  frame_writer out;
  out(version, x);
  return out.finish();
}

/// @throws unreadable_frame
template <class T>
T from_bytes(std::uint8_t version, std::string_view bytes) {
  frame_reader in(bytes);
  in.take_version(version);
  T x;
  in(x);
  in.require_end();
  return x;
}

} // namespace nacre::wire
