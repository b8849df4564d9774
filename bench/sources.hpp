#pragma once

#include "bench/answer_check.hpp"
#include "bench/load_pool.hpp"
#include "bench/load_window.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nacre::bench {

/// The requests of one case. A change must differ from the one before, so the requests of a case
/// may come in several lists, of which each pass takes the next.
struct request_set {
  request_kind kind = request_kind::query;
  expectation wanted;
  std::vector<std::vector<std::string>> passes; // all of equal length
  std::vector<std::size_t> sizes;               // of the answers, once known
};

/// Sends one pass once and checks every answer in full.
class checked_pass : public request_source {
public:
  explicit checked_pass(const request_set& set, std::size_t pass = 0);

  const std::string* next(std::size_t& ticket) override;
  void on_answer(std::size_t ticket, const timed_answer& answer) override;

  /// Sizes of the answers, in the order of the requests.
  [[nodiscard]] const std::vector<std::size_t>& sizes() const { return sizes_; }

  /// One number for what all answers meant, in the order of the requests.
  [[nodiscard]] std::uint64_t meaning() const;

private:
  const request_set& set_;
  const std::vector<std::string>& requests_;
  std::size_t sent_ = 0;
  std::vector<std::size_t> sizes_;
  std::vector<std::uint64_t> meanings_;
};

/// Goes round and round the passes for a time and measures after a warm-up.
class timed_load : public request_source {
public:
  /// `cursor` is the number of the next request and lives as long as the server does, so that its
  /// next round goes on with changes that are real.
  timed_load(const request_set& set, bool is_bare, std::vector<std::size_t> sizes,
             load_window::span times, std::size_t& cursor);

  const std::string* next(std::size_t& ticket) override;
  void on_answer(std::size_t ticket, const timed_answer& answer) override;

  [[nodiscard]] const load_window& window() const { return window_; }

private:
  const request_set& set_;
  bool is_bare_;
  std::vector<std::size_t> sizes_;
  load_window window_;
  std::size_t& cursor_;
};

} // namespace nacre::bench
