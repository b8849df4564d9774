#include <utility>

#include "probe/mysql_attempt.hpp"

#include <errmsg.h>
#include <sys/socket.h>

#include "probe/probe_loop.hpp"
#include "protocol/text.hpp"

namespace nacre {

using boost::system::error_code;
using need = mysql_connection::need;

namespace {

/// Asks whether this server is the one that takes writes, in Nacos' words.
constexpr std::string_view master_check = "show global variables where variable_name='read_only'";

/// What the connect came to.
error_code connect_error(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    error = errno;
  return {error, boost::system::system_category()};
}

bool is_of_library(unsigned error) {
  return (error >= CR_MIN_ERROR && error <= CR_MYSQL_LAST_ERROR)
         || (error >= CER_MIN_ERROR && error <= CR_MARIADB_LAST_ERROR);
}

/// The server wants to be logged in to in a way that is not ours; plugins that would have to send
/// the password itself fail without a number of their own.
bool is_about_login(unsigned error) {
  return error == CR_UNKNOWN_ERROR || error == CR_AUTH_PLUGIN_CANNOT_LOAD
         || error == CR_AUTH_PLUGIN_ERR || error == CR_PLUGIN_NOT_ALLOWED
         || error == CR_SECURE_AUTH;
}

} // namespace

mysql_attempt::mysql_attempt(probe_loop& loop, probe_order order, const endpoint& target,
                             std::shared_ptr<probe_batch> batch)
  : attempt(loop, std::move(order), target, std::move(batch)), descriptor_(loop.io()) {}

std::string_view mysql_attempt::command() const {
  auto text = trim(order().checker->command);
  return text.empty() ? master_check : text;
}

void mysql_attempt::start() {
  loop().set_deadline(phase(), probe_wait::step);
  loop().set_deadline(whole_, probe_wait::whole);
  auto& checker = *order().checker;
  advance(connection_.connect(target().address().to_string(), target().port(), checker.user,
                              checker.password));
}

void mysql_attempt::advance(need next) {
  while (next == need::nothing) {
    if (connection_.has_failed())
      return finish(outcome_of_failure());
    if (at_ == stage::fetch)
      return finish(outcome_of_row());
    next = next_step();
  }
  do_wait(next);
}

need mysql_attempt::next_step() {
  if (at_ == stage::query) {
    at_ = stage::fetch;
    return connection_.fetch();
  }
  at_ = stage::query;
  return connection_.query(command());
}

void mysql_attempt::do_wait(need what) {
  error_code ec;
  descriptor_.assign(connection_.socket(), ec);
  if (ec)
    return finish(failure_of(ec));
  descriptor_.async_wait(what == need::to_write ? descriptor_.wait_write : descriptor_.wait_read,
                         [this, self = shared_from_this()](error_code failed) {
                           if (!is_done())
                             failed ? finish(failure_of(failed)) : on_ready();
                         });
}

void mysql_attempt::on_ready() {
  descriptor_.release();
  if (at_ == stage::connect) {
    if (auto ec = connect_error(connection_.socket()))
      return finish(failure_of(ec));
    at_ = stage::log_in;
    phase().unlink();
  }
  advance(connection_.go_on());
}

probe_answer mysql_attempt::outcome_of_failure() {
  if (auto error = connection_.system_error())
    return failure_of({error, boost::system::system_category()});
  auto number = connection_.error();
  auto text = "error " + std::to_string(number);
  if (connection_.was_cut_off())
    return failed_slowest("no MySQL");
  if (is_of_library(number) && !(at_ == stage::log_in && is_about_login(number)))
    return failed_slowest("no MySQL, " + text);
  return failed_for_sure(text);
}

probe_answer mysql_attempt::outcome_of_row() const {
  if (equals_ignore_case(command(), master_check)
      && equals_ignore_case(connection_.second_column(), "ON"))
    return failed_slower("it is read-only (a replica)");
  return well("answered");
}

void mysql_attempt::close() {
  whole_.unlink();
  if (descriptor_.is_open())
    descriptor_.release();
  connection_.close();
}

} // namespace nacre
