#include "bench/answer_check.hpp"

#include "bench/failure.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace nacre::bench {

namespace {

constexpr std::array<std::pair<request_kind, std::string_view>, 4> words{{
  {request_kind::register_instance, "register"},
  {request_kind::beat, "beat"},
  {request_kind::light_beat, "light-beat"},
  {request_kind::query, "query"},
}};

[[noreturn]] void refuse(request_kind kind, std::string_view body, const std::string& why) {
  throw failure("wrong answer to " + std::string(to_word(kind)) + ": " + why + ": "
                + std::string(body.substr(0, 300)));
}

std::uint64_t meaning_of_list(std::string_view body, const expectation& wanted) {
  const auto hosts = wanted.hosts;
  auto addresses = values_of(body, R"("ip":")", "\"");
  if (addresses.size() != hosts)
    refuse(request_kind::query, body,
           std::to_string(addresses.size()) + " hosts where " + std::to_string(hosts)
             + " were registered");
  std::sort(addresses.begin(), addresses.end());
  if (std::adjacent_find(addresses.begin(), addresses.end()) != addresses.end())
    refuse(request_kind::query, body, "a host is there twice");
  const auto ports = values_of(body, R"("port":)", ",}");
  const auto health = values_of(body, R"("healthy":)", ",}");
  const auto is_8080 = [](auto x) { return x == "8080"; };
  const auto is_true = [](auto x) { return x == "true"; };
  if (ports.size() != hosts || !std::all_of(ports.begin(), ports.end(), is_8080))
    refuse(request_kind::query, body, "a port is wrong");
  if (health.size() != hosts || !std::all_of(health.begin(), health.end(), is_true))
    refuse(request_kind::query, body, "a host is not healthy");
  const auto weights = values_of(body, R"("weight":)", ".,}");
  const auto is_wanted = [&](auto x) {
    return wanted.weight == 0 || x == std::to_string(wanted.weight);
  };
  if (weights.size() != hosts || !std::all_of(weights.begin(), weights.end(), is_wanted))
    refuse(request_kind::query, body, "a weight is not the one registered last");
  auto result = hash_of("list");
  for (const auto address : addresses)
    result = hash_of(",", hash_of(address, result));
  return result;
}

} // namespace

std::vector<std::string_view> values_of(std::string_view body, std::string_view key,
                                        std::string_view ends) {
  std::vector<std::string_view> result;
  for (auto i = body.find(key); i != body.npos; i = body.find(key, i)) {
    i += key.size();
    const auto end = std::min(body.find_first_of(ends, i), body.size());
    result.push_back(body.substr(i, end - i));
  }
  return result;
}

request_kind parse_kind(std::string_view word) {
  for (const auto& [kind, name] : words)
    if (name == word)
      return kind;
  throw usage_error("no such case: " + std::string(word));
}

std::string_view to_word(request_kind kind) { return words[static_cast<std::size_t>(kind)].second; }

std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed) {
  for (const char c : bytes)
    seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return seed;
}

std::uint64_t meaning_of(request_kind kind, std::string_view body, const expectation& wanted) {
  if (kind == request_kind::query)
    return meaning_of_list(body, wanted);
  if (kind == request_kind::register_instance) {
    if (body != "ok")
      refuse(kind, body, "not ok");
    return hash_of(body);
  }
  if (body.find(R"("code":10200)") == body.npos)
    refuse(kind, body, "not code 10200");
  if (body.find(R"("clientBeatInterval":)") == body.npos)
    refuse(kind, body, "no interval, which clients dereference");
  return hash_of("10200");
}

void check_shape(request_kind kind, std::string_view body, std::size_t size,
                 const expectation& wanted) {
  if (kind != request_kind::query) {
    meaning_of(kind, body, wanted);
    return;
  }
  // A weight may be printed as 1 or 1.0 and a time grow by a digit; a host more or less is 100
  // bytes and more, but must not hide in the slack of a long list.
  const auto slack = std::min<std::size_t>(16 + 2 * wanted.hosts, 90);
  const bool near = body.size() + slack >= size && body.size() <= size + slack;
  if (!near || !body.starts_with('{') || !body.ends_with('}'))
    refuse(kind, body, std::to_string(body.size()) + " bytes, not about " + std::to_string(size));
}

} // namespace nacre::bench
