#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <mysql.h>

#include "probe/mysql_filter.hpp"

namespace nacre {

/// A connection of libmariadb to one server: opened, asked once, closed. It never blocks, whatever
/// the server does, and takes no more than 64 kB from it. It sends no password that the server
/// could read, and no file. One thread.
///
/// Each step says what it waits for; when the socket is ready `go_on` takes it up again.
class mysql_connection {
public:
  enum class need : std::uint8_t {
    nothing,
    to_read,
    to_write,
  };

  mysql_connection();
  ~mysql_connection();
  mysql_connection(const mysql_connection&) = delete;
  mysql_connection& operator=(const mysql_connection&) = delete;

  /// `ip` is a literal address. `user` and `password` stay where they are until the step is done.
  need connect(std::string ip, std::uint16_t port, const std::string& user,
               const std::string& password);

  /// `command` stays where it is until the step is done.
  need query(std::string_view command);

  /// Reads the first row of the answer, if it has one.
  need fetch();

  need go_on();

  /// Of a step that waits.
  int socket() { return mysql_get_socket(&mysql_); }

  /// Whether the step that is done failed.
  bool has_failed() const { return failed_; }

  /// The number of the error, the server's or the library's; 0 if none is known.
  unsigned error() { return mysql_errno(&mysql_); }

  /// The system's error if the socket could not be made or connected, else 0.
  int system_error() const { return system_error_; }

  /// Whether the server was cut off, for it sent too much or what nobody had asked for.
  bool was_cut_off() const { return cut_off_; }

  /// The second column of the row that was read; empty without one.
  std::string_view second_column() const;

  /// Frees all. May be called again.
  void close();

private:
  friend struct guarded_methods;

  enum class step : std::uint8_t { none, connect, query, fetch };

  /// The library hands its own struct to what reads for it; the connection is found by this.
  struct handle : MYSQL {
    mysql_connection* owner = nullptr;
  };

  void set_options();
  need after(step x, int status);
  /// Goes on with what is suspended; `ready` in the library's words.
  int resume(int ready);
  bool has_unread() const;

  handle mysql_{};
  std::string ip_;
  bool is_open_ = false;
  step waiting_ = step::none;
  bool failed_ = false;
  bool cut_off_ = false;
  bool closing_ = false;
  int system_error_ = 0;
  std::size_t bytes_ = 0;
  mysql_filter filter_;
  // What the library's steps give.
  MYSQL* connected_ = nullptr;
  int query_result_ = 0;
  MYSQL_RES* result_ = nullptr;
  MYSQL_ROW row_ = nullptr;
};

} // namespace nacre
