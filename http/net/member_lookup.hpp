#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/options.hpp"
#include "http/net/http_get.hpp"

namespace nacre {

enum class member_source : std::uint8_t { list, file, address_server };

/// Where the members are read from, by `cluster_options::lookup`. Fixed at start: a file that is
/// written later does not take the place of a list.
member_source choose_source(const cluster_options& options, bool file_exists);

/// How often and how long; a test is in a hurry.
struct member_lookup_times {
  milliseconds file_interval{1'000};
  milliseconds server_interval{5'000};
  milliseconds server_timeout{2'000};
  /// Between the tries at start: the address server may be starting as well.
  milliseconds first_pause{1'000};
};

/// The members of the cluster as their source names them, at start and ever after. What cannot be
/// read as a whole changes nothing: a member leaves only by a list that says so.
class member_lookup : public std::enable_shared_from_this<member_lookup> {
public:
  using members = std::vector<std::string>;

  /// `io` has to be run by one thread; `on_change` is called there. A member without a port gets
  /// `default_port`.
  member_lookup(boost::asio::io_context& io, const cluster_options& options,
                std::uint16_t default_port, std::function<void(members)> on_change,
                member_lookup_times times = {});

  /// The members at start: `host:port`, sorted, each once. Waits for the source; throws
  /// `config_error` where there is no list or one that is not readable as a whole.
  members first();

  /// Begins to follow the source, after `first`. Ends when the last owner lets go of the object.
  void start();

private:
  /// What a source said: a text, or why there is none.
  struct reading {
    std::string problem;
    std::string text;
    bool operator==(const reading&) const = default;
  };

  reading read_file() const;
  reading first_reading() const;
  http_get_request server_request() const;
  /// For people.
  std::string source_name() const;
  void watch_file();
  void on_file(reading seen);
  void ask_server_later();
  void ask_server();
  void on_server(const http_get_result& answer);
  /// The members a reading names; if it cannot be taken over, its problem says why.
  members members_of(reading& x) const;
  void take_over(members list);

  boost::asio::io_context& io_;
  const cluster_options options_;
  const std::uint16_t default_port_;
  const std::function<void(members)> on_change_;
  const member_lookup_times times_;
  boost::asio::steady_timer timer_;
  member_source source_ = member_source::list;
  members members_;
  /// The file at the last look, and as it was last judged.
  reading seen_;
  reading evaluated_;
  /// In a row, of the address server.
  unsigned failures_ = 0;
};

} // namespace nacre
