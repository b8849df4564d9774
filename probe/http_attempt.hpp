#pragma once

#include <array>

#include "probe/tcp_attempt.hpp"

namespace nacre {

/// Asks for one page and reads the head of the answer (Nacos `HttpHealthCheckProcessor`). The body
/// is not read, and no redirect is followed.
class http_attempt final : public tcp_attempt {
public:
  using tcp_attempt::tcp_attempt;

  void start() override;

private:
  void on_connected() override;
  void do_write();
  void do_read();
  void on_read(const boost::system::error_code& ec, std::size_t bytes);
  probe_answer outcome_of(int status) const;

  /// What is left to send.
  std::string request_;
  /// The head is bounded by it.
  std::array<char, 4096> head_;
  std::size_t head_bytes_ = 0;
};

} // namespace nacre
