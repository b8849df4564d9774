#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>

#include "probe/attempt.hpp"
#include "probe/mysql_connection.hpp"

namespace nacre {

/// Logs in to a MySQL or MariaDB server and runs the checker's command, or asks whether the server
/// is one that may be written to (Nacos `MysqlHealthCheckProcessor`).
class mysql_attempt final : public attempt {
public:
  mysql_attempt(probe_loop& loop, probe_order order, const endpoint& target,
                std::shared_ptr<probe_batch> batch);

  void start() override;

private:
  enum class stage : std::uint8_t { connect, log_in, query, fetch };

  void close() override;

  /// Takes the steps that need not wait.
  void advance(mysql_connection::need next);
  mysql_connection::need next_step();
  void do_wait(mysql_connection::need what);
  void on_ready();
  probe_answer outcome_of_failure();
  probe_answer outcome_of_row() const;

  std::string_view command() const;

  mysql_connection connection_;
  /// The library's socket, only while it is waited for; never closed by this.
  boost::asio::posix::stream_descriptor descriptor_;
  deadline whole_{*this};
  stage at_ = stage::connect;
};

} // namespace nacre
