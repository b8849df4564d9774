#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

/// What one server has reached in one case.
struct standing {
  std::size_t cursor = 0; // the request that comes next
  std::size_t answers = 0;
  std::size_t reconnects = 0;
  std::vector<std::size_t> sizes;       // of the answers
  std::optional<std::uint64_t> meaning; // of the answers; a bare server's mean nothing
  std::vector<std::uint32_t> latencies_ns;
  // One value for each round:
  std::vector<double> rates;     // answers per second
  std::vector<double> generator; // share of a core the generator used
  std::vector<double> server;    // share of a core the server used, if its process is known
  std::vector<double> cpu_us;    // processor time of the server for each answer, likewise
};

/// One line for one server.
void print_standing(std::string_view name_of_case, const std::string& name, const standing& result);

/// One line that holds the subject against another server.
void print_ratio(std::string_view name_of_case, const std::string& subject_name,
                 const standing& subject, const std::string& other_name, const standing& other);

} // namespace nacre::bench
