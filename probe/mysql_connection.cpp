#include <utility>

#include "probe/mysql_connection.hpp"

#include <algorithm>
#include <cerrno>

extern "C" {
#include <ma_pvio.h>
}

namespace nacre {

namespace {

constexpr std::size_t bytes_max = 64 * 1024;

/// Those that answer a challenge; a server that wants the password itself does not get it.
constexpr const char* login_plugins = "mysql_native_password,client_ed25519,caching_sha2_password";

/// No key is in it, and none is asked for then: a key that any server may choose protects nothing.
constexpr const char* no_public_key = "/dev/null";

constexpr const char* no_directory = "/nonexistent";

// Kinds of the library's plugins, and the version of the interface of both.
constexpr int login_plugin = 2;
constexpr int socket_plugin = 101;
constexpr unsigned plugin_interface = 0x0100;

struct pvio_plugin : st_mysql_client_plugin {
  PVIO_METHODS* methods;
};

} // namespace

/// The library's own methods for sockets, with bounds on what comes in and nothing that waits.
/// They take the place of the originals for the whole process, as there is no other way in.
struct guarded_methods {
  static inline PVIO_METHODS original;
  static inline PVIO_METHODS guarded;

  static mysql_connection& owner_of(MARIADB_PVIO* pvio) {
    return *static_cast<mysql_connection::handle*>(pvio->mysql)->owner;
  }

  static ssize_t read(MARIADB_PVIO* pvio, uchar* buffer, std::size_t length) {
    auto& owner = owner_of(pvio);
    if (owner.closing_ || owner.cut_off_)
      return fail(ECONNRESET);
    auto room = std::min(length, bytes_max - owner.bytes_);
    if (room == 0) {
      owner.cut_off_ = true;
      return fail(EMSGSIZE);
    }
    auto size = original.async_read(pvio, buffer, room);
    if (size > 0)
      owner.bytes_ += static_cast<std::size_t>(size);
    if (size > 0 && !owner.filter_.take(buffer, static_cast<std::size_t>(size))) {
      owner.cut_off_ = true;
      return fail(EPROTO);
    }
    return size;
  }

  static ssize_t write(MARIADB_PVIO* pvio, const uchar* buffer, std::size_t length) {
    auto& owner = owner_of(pvio);
    if (owner.closing_ || owner.cut_off_)
      return fail(ECONNRESET);
    return original.async_write(pvio, buffer, length);
  }

  static my_bool connect(MARIADB_PVIO* pvio, MA_PVIO_CINFO* target) {
    auto& owner = *static_cast<mysql_connection::handle*>(target->mysql)->owner;
    errno = 0;
    auto failed = original.connect(pvio, target);
    if (failed)
      owner.system_error_ = errno;
    return failed;
  }

  /// For calls that may block: there are none.
  static int wait(MARIADB_PVIO*, my_bool, int) { return 0; }

  static ssize_t fail(int error) {
    errno = error;
    return -1;
  }

  /// Once in a process, before its first connection. Whether they are in place.
  static bool install() {
    static const bool done = [] {
      MYSQL mysql;
      if (mysql_init(&mysql) == nullptr)
        return false;
      // Loaded now: later no server's word makes the process load anything.
      for (auto name : {"client_ed25519", "caching_sha2_password"})
        mysql_load_plugin(&mysql, name, login_plugin, 0);
      bool replaced = replace(mysql_client_find_plugin(&mysql, "pvio_socket", socket_plugin));
      mysql_close(&mysql);
      return replaced;
    }();
    return done;
  }

private:
  static bool replace(st_mysql_client_plugin* plugin) {
    if (plugin == nullptr || plugin->interface_version != plugin_interface)
      return false;
    auto& sockets = *static_cast<pvio_plugin*>(plugin);
    original = guarded = *sockets.methods;
    guarded.read = guarded.async_read = read;
    guarded.write = guarded.async_write = write;
    guarded.connect = connect;
    guarded.wait_io_or_timeout = wait;
    sockets.methods = &guarded;
    return true;
  }
};

mysql_connection::mysql_connection() {
  is_open_ = guarded_methods::install() && mysql_init(&mysql_) != nullptr;
  mysql_.owner = this;
  if (is_open_)
    set_options();
}

mysql_connection::~mysql_connection() { close(); }

void mysql_connection::set_options() {
  unsigned off = 0;
  unsigned tcp = MYSQL_PROTOCOL_TCP;
  unsigned long packet_bytes_max = bytes_max;
  my_bool no = 0;
  // Files of options are read only when they are named; there are no time-outs but the caller's.
  mysql_options(&mysql_, MYSQL_OPT_NONBLOCK, nullptr);
  mysql_options(&mysql_, MYSQL_OPT_PROTOCOL, &tcp);
  mysql_options(&mysql_, MYSQL_OPT_LOCAL_INFILE, &off);
  mysql_options(&mysql_, MYSQL_OPT_RECONNECT, &no);
  mysql_options(&mysql_, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_bytes_max);
  mysql_options(&mysql_, MYSQL_PLUGIN_DIR, no_directory);
  mysql_options(&mysql_, MYSQL_SERVER_PUBLIC_KEY, no_public_key);
  mysql_optionsv(&mysql_, MARIADB_OPT_RESTRICTED_AUTH, login_plugins);
}

mysql_connection::need mysql_connection::connect(std::string ip, std::uint16_t port,
                                                 const std::string& user,
                                                 const std::string& password) {
  if (!is_open_) {
    failed_ = true;
    return need::nothing;
  }
  ip_ = std::move(ip);
  return after(step::connect,
               mysql_real_connect_start(&connected_, &mysql_, ip_.c_str(), user.c_str(),
                                        password.c_str(), nullptr, port, nullptr, 0));
}

mysql_connection::need mysql_connection::query(std::string_view command) {
  // The first bytes that come now must be the answer, or nobody could tell where it begins.
  cut_off_ = cut_off_ || has_unread() || !filter_.expect_answer();
  return after(step::query,
               mysql_real_query_start(&query_result_, &mysql_, command.data(), command.size()));
}

mysql_connection::need mysql_connection::fetch() {
  result_ = mysql_use_result(&mysql_);
  if (result_ == nullptr) {
    failed_ = mysql_errno(&mysql_) != 0;
    return need::nothing;
  }
  return after(step::fetch, mysql_fetch_row_start(&row_, result_));
}

mysql_connection::need mysql_connection::go_on() {
  return after(waiting_, resume(MYSQL_WAIT_READ | MYSQL_WAIT_WRITE));
}

mysql_connection::need mysql_connection::after(step x, int status) {
  if (status != 0) {
    waiting_ = x;
    return (status & MYSQL_WAIT_WRITE) != 0 ? need::to_write : need::to_read;
  }
  waiting_ = step::none;
  switch (x) {
    case step::connect:
      failed_ = connected_ == nullptr;
      break;
    case step::query:
      failed_ = query_result_ != 0;
      break;
    case step::fetch:
      failed_ = row_ == nullptr && mysql_errno(&mysql_) != 0;
      break;
    case step::none:
      break;
  }
  return need::nothing;
}

int mysql_connection::resume(int ready) {
  switch (waiting_) {
    case step::connect:
      return mysql_real_connect_cont(&connected_, &mysql_, ready);
    case step::query:
      return mysql_real_query_cont(&query_result_, &mysql_, ready);
    case step::fetch:
      return mysql_fetch_row_cont(&row_, result_, ready);
    case step::none:
      break;
  }
  return 0;
}

bool mysql_connection::has_unread() const {
  auto& socket = *mysql_.net.pvio;
  return socket.cache != nullptr && socket.cache_pos < socket.cache + socket.cache_size;
}

std::string_view mysql_connection::second_column() const {
  if (row_ == nullptr || mysql_num_fields(result_) < 2 || row_[1] == nullptr)
    return {};
  return {row_[1], mysql_fetch_lengths(result_)[1]};
}

void mysql_connection::close() {
  if (!std::exchange(is_open_, false))
    return;
  // What is suspended has things on a stack of its own, which it frees when it hears of a time-out.
  closing_ = waiting_ != step::none;
  for (int i = 0; waiting_ != step::none && i < 100; ++i)
    after(waiting_, resume(MYSQL_WAIT_TIMEOUT));
  if (result_ != nullptr) {
    result_->handle = nullptr; // else all other rows are read first
    mysql_free_result(std::exchange(result_, nullptr));
  }
  row_ = nullptr;
  mysql_options(&mysql_, MYSQL_SERVER_PUBLIC_KEY, nullptr); // the library forgets to free it
  mysql_close(&mysql_);
}

} // namespace nacre
