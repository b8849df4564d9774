#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nacre::bench {

/// The time in which a load is measured, and the answers that came in it. It begins with the first
/// request; what a warm-up before it brings is only counted.
class load_window {
public:
  struct span {
    double warmup_s = 0;
    double measure_s = 0;
  };

  explicit load_window(span times);

  /// Whether another request may be sent; false once an answer came after the end.
  bool open();

  void on_answer(std::int64_t sent_ns, std::int64_t done_ns);

  [[nodiscard]] std::size_t answers() const { return answers_; } // warm-up included
  [[nodiscard]] double per_second() const;
  [[nodiscard]] const std::vector<std::uint32_t>& latencies_ns() const { return latencies_ns_; }

private:
  span times_;
  std::int64_t begin_ns_ = 0; // of the measurement; 0 until the first request
  std::int64_t end_ns_ = 0;
  std::int64_t last_ns_ = 0;
  std::size_t answers_ = 0;
  std::vector<std::uint32_t> latencies_ns_;
};

} // namespace nacre::bench
