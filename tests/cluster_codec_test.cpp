// What nodes tell each other survives the wire, and nothing else gets through.
#include <doctest/doctest.h>

#include <bit>
#include <chrono>
#include <limits>
#include <random>

#include "actors/distro/replication.hpp"
#include "protocol/cluster_codec.hpp"

using namespace nacre;

namespace {

// -- equality of what has fields -----------------------------------------------------------------

bool same(const std::string& a, const std::string& b) { return a == b; }

template <class T>
requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) bool same(T a, T b) { return a == b; }

bool same(const instance& a, const instance& b) {
  return a.ip == b.ip && a.port == b.port && a.cluster_name == b.cluster_name
         && std::bit_cast<std::uint64_t>(a.weight) == std::bit_cast<std::uint64_t>(b.weight)
         && a.generator == b.generator && (a.id ? a.id->text : "-") == (b.id ? b.id->text : "-")
         && !a.id == !b.id && a.metadata == b.metadata && a.healthy == b.healthy
         && a.enabled == b.enabled && a.ephemeral == b.ephemeral;
}

template <class T>
requires requires(T& x) { x.fields(); }
bool same(T a, T b);

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](auto& x, auto& y) { return same(x, y); });
}

template <class... Ts>
bool same(const std::variant<Ts...>& a, const std::variant<Ts...>& b) {
  return a.index() == b.index()
         && std::visit([&](auto& x) { return same(x, std::get<std::decay_t<decltype(x)>>(b)); }, a);
}

template <class T>
requires requires(T& x) { x.fields(); }
bool same(T a, T b) {
  return std::apply(
    [&](auto&... xs) {
      return std::apply([&](auto&... ys) { return (same(xs, ys) && ...); }, b.fields());
    },
    a.fields());
}

bool same(const cluster_frame& a, const cluster_frame& b) {
  return a.sender_incarnation == b.sender_incarnation && same(a.message, b.message);
}

// -- frames made of random parts -----------------------------------------------------------------

class frame_maker {
public:
  explicit frame_maker(unsigned seed) : rng_(seed) {}

  instance_record record() {
    instance_record x;
    fill(x);
    return x;
  }

  cluster_frame frame(std::size_t kind) {
    cluster_frame x;
    fill(x.sender_incarnation);
    fill_kind(x.message, kind, std::make_index_sequence<std::variant_size_v<cluster_message>>());
    return x;
  }

  std::size_t below(std::size_t bound) { return rng_() % bound; }

private:
  template <class Variant, std::size_t... Kinds>
  void fill_kind(Variant& x, std::size_t kind, std::index_sequence<Kinds...>) {
    ((kind == Kinds ? fill(x.template emplace<Kinds>()) : void()), ...);
  }
  template <class... Ts>
  void fill(std::variant<Ts...>& x) {
    fill_kind(x, below(sizeof...(Ts)), std::index_sequence_for<Ts...>());
  }

  template <std::integral T>
  void fill(T& x) {
    const T choices[] = {T(0), T(1), std::numeric_limits<T>::min(), std::numeric_limits<T>::max(),
                         static_cast<T>(rng_() << 32 | rng_())};
    x = choices[below(5)];
  }
  void fill(bool& x) { x = below(2) != 0; }
  void fill(double& x) {
    const double choices[] = {0.0,
                              -0.0,
                              1.5,
                              1e308,
                              std::numeric_limits<double>::denorm_min(),
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::quiet_NaN()};
    x = choices[below(7)];
  }
  void fill(std::string& x) {
    x.resize(below(4) == 0 ? below(300) : below(12));
    for (auto& c : x)
      c = static_cast<char>(rng_());
  }
  std::string text() {
    std::string x;
    fill(x);
    return x;
  }
  void fill(raft::entry_kind& x) { x = static_cast<raft::entry_kind>(below(3)); }
  void fill(raft::append_request& x) {
    fill(x.commit);
    fill(x.round);
    x.previous = {below(10), below(1'000)};
    fill(x.entries);
    auto at = x.previous;
    for (auto& next : x.entries)
      next.at = at = {at.term + below(2), at.index + 1};
  }
  void fill(record_state& x) { x = static_cast<record_state>(below(4)); }
  void fill(instance& x) {
    x.ip = text();
    x.cluster_name = text();
    fill(x.weight);
    fill(x.port);
    fill(x.healthy);
    fill(x.enabled);
    fill(x.ephemeral);
    x.generator = static_cast<id_generator>(below(4));
    if (x.generator > id_generator::simple)
      x.id = new id_text(text());
    metadata_map entries(below(4));
    for (auto& [key, value] : entries) {
      fill(key);
      fill(value);
    }
    x.metadata = make_metadata(entries);
  }
  template <class T>
  void fill(std::vector<T>& xs) {
    xs.resize(below(4));
    for (auto& x : xs)
      fill(x);
  }
  template <class T>
  requires requires(T& x) { x.fields(); }
  void fill(T& x) {
    std::apply([this](auto&... fields) { (fill(fields), ...); }, x.fields());
  }

  std::mt19937_64 rng_;
};

constexpr std::size_t kinds = std::variant_size_v<cluster_message>;

/// What decoding `bytes` complains about; empty if it does not.
std::string complaint_of(std::string_view bytes) {
  try {
    decode_frame(bytes);
    return {};
  } catch (const unreadable_frame& x) {
    CHECK(!std::string_view(x.what()).empty());
    return x.what();
  }
}

instance_record sample_record(int number) {
  instance_record x;
  x.what.key = {"10.1.2.3:" + std::to_string(number), false, "public", "DEFAULT_GROUP",
                "orders-" + std::to_string(number % 100)};
  x.what.version = 1'700'000'000'000'000 + number;
  auto& one = x.instances.emplace_back();
  one.ip = "10.1.2.3";
  one.port = static_cast<std::uint16_t>(number);
  one.metadata = {{"preserved.register.source", "SPRING_CLOUD"}, {"version", "1.0"}};
  return x;
}

std::string little_endian(std::uint64_t x, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text += static_cast<char>(x >> 8 * i & 0xff);
  return text;
}

constexpr int record_batch_kind = 2;
constexpr int record_request_kind = 4;
constexpr int renewals_kind = 5;
constexpr int bucket_digests_kind = 6;

/// Version, kind, incarnation 0.
std::string head(int kind) {
  return little_endian(1, 1) + little_endian(kind, 1) + little_endian(0, 8);
}

} // namespace

TEST_CASE("every kind of message reads as it was written, extremes included") {
  for (unsigned seed = 0; seed < 200; ++seed)
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      CAPTURE(seed);
      CAPTURE(kind);
      auto frame = frame_maker(seed).frame(kind);
      auto bytes = encode_frame(frame);
      auto again = decode_frame(bytes);
      CHECK(same(frame, again));
      CHECK(encode_frame(again) == bytes);
    }
}

TEST_CASE("the bytes of a frame are these, on every machine") {
  CHECK(encode_frame({0x0102030405060708, batch_ack{0x1112131415161718}})
        == std::string("\x01\x03\x08\x07\x06\x05\x04\x03\x02\x01"
                       "\x18\x17\x16\x15\x14\x13\x12\x11"));
  CHECK(encode_frame({-1, service_query{1, "p", "", "s"}})
        == std::string("\x01\x0a\xff\xff\xff\xff\xff\xff\xff\xff"
                       "\x01\0\0\0\0\0\0\0\x01\0\0\0p\0\0\0\0\x01\0\0\0s",
                       32));
}

TEST_CASE("a frame that is cut off anywhere is unreadable, and so is one that goes on") {
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    CAPTURE(kind);
    auto bytes = encode_frame(frame_maker(7).frame(kind));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      CHECK(!complaint_of(std::string_view(bytes).substr(0, size)).empty());
    }
    CHECK(complaint_of(bytes + '\0') == "bytes after its end");
  }
}

TEST_CASE("another version and a kind of a later one are refused by their numbers") {
  auto bytes = encode_frame({1, batch_ack{2}});
  for (int version : {0, 2, 255}) {
    bytes[0] = static_cast<char>(version);
    CHECK(complaint_of(bytes) == "version " + std::to_string(version) + " instead of 1");
  }
  bytes[0] = 1;
  for (int kind : {static_cast<int>(kinds), 255}) {
    bytes[1] = static_cast<char>(kind);
    CHECK(complaint_of(bytes)
          == "kind " + std::to_string(kind) + ", which this version does not know");
  }
}

TEST_CASE("a count is held against the bytes that are there before memory is taken for it") {
  auto number = little_endian(1, 8);
  for (std::uint32_t count : {2u, 1'000u, 0x7fffffffu, 0xffffffffu}) {
    CAPTURE(count);
    auto claimed = little_endian(count, 4);
    for (auto& body : {number + claimed, number + claimed + std::string(40, '\0')})
      CHECK(complaint_of(head(record_batch_kind) + body) == "it is cut off");
    for (auto& body : {claimed, little_endian(1, 4) + claimed}) // keys, the text in a key
      CHECK(complaint_of(head(record_request_kind) + body) == "it is cut off");
    CHECK(complaint_of(head(renewals_kind) + '\0' + claimed) == "it is cut off");
    CHECK(!complaint_of(head(bucket_digests_kind) + claimed).empty());
  }
  // As many as there are bytes, while each takes more than one.
  CHECK(complaint_of(head(record_request_kind) + little_endian(100, 4) + std::string(100, '\0'))
        == "it is cut off");
}

TEST_CASE("there are at most 65,536 buckets") {
  auto digests = [](std::size_t count) {
    return encode_frame({1, verify_request{std::vector<std::uint64_t>(count)}});
  };
  auto listing = [](std::size_t count) {
    return encode_frame({1, verify_listing{std::vector<std::uint32_t>(count), {}}});
  };
  CHECK(complaint_of(digests(65'536)).empty());
  CHECK(complaint_of(digests(65'537)) == "more buckets than there can be");
  CHECK(complaint_of(listing(65'536)).empty());
  CHECK(complaint_of(listing(65'537)) == "more buckets than there can be");
}

TEST_CASE("enumerations and truths have no other values than their own") {
  auto with_byte = [](std::size_t from_end, int value) {
    record_summary x;
    x.key.connection = true;
    auto bytes = encode_frame({1, verify_listing{{}, {x}}});
    bytes[bytes.size() - from_end] = static_cast<char>(value);
    return complaint_of(bytes);
  };
  CHECK(with_byte(1, 3).empty());
  CHECK(with_byte(1, 4) == "a state of a record nobody knows");
  CHECK(with_byte(1, 255) == "a state of a record nobody knows");
  constexpr std::size_t truth = 1 + 8 + 3 * 4 + 1; // before version, state and three empty texts
  CHECK(with_byte(truth, 0).empty());
  CHECK(with_byte(truth, 2) == "a truth that is neither 0 nor 1");

  instance_record x;
  x.instances.emplace_back();
  auto refused_generator = [&](id_generator generator) {
    x.instances[0].generator = generator;
    return complaint_of(encode_frame({1, record_batch{1, {x}}}));
  };
  CHECK(refused_generator(id_generator::simple).empty());
  CHECK(refused_generator(static_cast<id_generator>(4)) == "an id generator nobody knows");
  // Their ids are read without a look whether there is one.
  CHECK(refused_generator(id_generator::snowflake) == "an instance without its id");
  CHECK(refused_generator(id_generator::given) == "an instance without its id");
}

TEST_CASE("metadata comes out sorted and with unique keys, whatever was sent") {
  instance_record x;
  auto& one = x.instances.emplace_back();
  one.metadata = {{"b", "1"}, {"a", "2"}, {"b", "3"}, {"", "4"}};
  auto frame = decode_frame(encode_frame({1, record_batch{1, {x}}}));
  auto& metadata = std::get<record_batch>(frame.message).records[0].instances[0].metadata;
  CHECK(metadata == metadata_map{{"", "4"}, {"a", "2"}, {"b", "3"}});
}

TEST_CASE("flipped bits make another frame or none, and nothing else") {
  for (unsigned seed = 0; seed < 20; ++seed)
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      frame_maker maker(seed);
      auto bytes = encode_frame(maker.frame(kind));
      for (int i = 0; i < 200; ++i) {
        auto flipped = bytes;
        for (auto flips = 1 + maker.below(4); flips > 0; --flips)
          flipped[maker.below(bytes.size())] ^= static_cast<char>(1 << maker.below(8));
        if (complaint_of(flipped).empty()) {
          auto canonical = encode_frame(decode_frame(flipped));
          CHECK(encode_frame(decode_frame(canonical)) == canonical);
        }
      }
    }
}

TEST_CASE("a thousand records take about a millisecond") {
  cluster_frame frame{1, record_batch{1, {}}};
  for (int i = 0; i < 1'000; ++i)
    std::get<record_batch>(frame.message).records.push_back(sample_record(i));
  using clock = std::chrono::steady_clock;
  auto best_encode = clock::duration::max();
  auto best_decode = clock::duration::max();
  std::size_t size = 0;
  for (int i = 0; i < 20; ++i) {
    auto begin = clock::now();
    auto bytes = encode_frame(frame);
    auto encoded = clock::now();
    auto again = decode_frame(bytes);
    auto decoded = clock::now();
    best_encode = std::min(best_encode, encoded - begin);
    best_decode = std::min(best_decode, decoded - encoded);
    size = bytes.size();
  }
  auto us = [](auto x) { return std::chrono::duration_cast<std::chrono::microseconds>(x).count(); };
  MESSAGE("1,000 records: ", size, " bytes, encoded in ", us(best_encode), " us, decoded in ",
          us(best_decode), " us");
  // Generous: sanitizers and loaded machines run this as well.
  CHECK(best_encode < std::chrono::milliseconds(50));
  CHECK(best_decode < std::chrono::milliseconds(100));
}

TEST_CASE("a record takes in a message what it is counted for") {
  for (unsigned seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    auto record = frame_maker(seed).record();
    auto empty = encode_frame({1, record_batch{7, {}}}).size();
    CHECK(encode_frame({1, record_batch{7, {record}}}).size() - empty == wire_bytes(record));
  }
}
