#include <utility>

#include "http/net/member_lookup.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <spdlog/spdlog.h>

#include "config/config_error.hpp"
#include "protocol/member_list.hpp"

namespace nacre {

namespace {

namespace net = boost::asio;

/// A list of members is longer by mistake only.
constexpr std::size_t list_bytes_max = 64 * 1024;

constexpr unsigned first_tries = 5;
/// So many failures in a row are a minute without address server (Nacos
/// `AddressServerMemberLookup`).
constexpr unsigned failures_told = 12;

std::string in_words(const std::vector<std::string>& entries) {
  constexpr std::size_t shown_max = 3;
  std::string result;
  for (std::size_t i = 0; i < std::min(entries.size(), shown_max); ++i)
    result += (i == 0 ? "" : ", ") + in_quotes(entries[i]);
  if (entries.size() > shown_max)
    result += " and " + std::to_string(entries.size() - shown_max) + " more";
  return result;
}

bool is_there(const std::filesystem::path& file) {
  std::error_code hidden; // not to be seen is another thing than not there
  return std::filesystem::exists(file, hidden) || hidden;
}

} // namespace

member_source choose_source(const cluster_options& options, bool file_exists) {
  const bool has_list = !options.members.empty();
  if (options.lookup == "address-server")
    return member_source::address_server;
  if (options.lookup == "file")
    return file_exists || !has_list ? member_source::file : member_source::list;
  if (has_list)
    return member_source::list;
  return file_exists ? member_source::file : member_source::address_server;
}

member_lookup::member_lookup(net::io_context& io, const cluster_options& options,
                             std::uint16_t default_port, std::function<void(members)> on_change,
                             member_lookup_times times)
  : io_(io),
    options_(options),
    default_port_(default_port),
    on_change_(std::move(on_change)),
    times_(times),
    timer_(io) {}

member_lookup::members member_lookup::first() {
  source_ = choose_source(options_, is_there(options_.file));
  auto x = first_reading();
  seen_ = evaluated_ = x;
  members_ = members_of(x);
  if (!x.problem.empty())
    throw config_error("the members of the cluster: " + source_name() + ": " + x.problem
                       + "; wanted host[:port] of each in nacos.member.list (--members) or in the "
                         "file "
                       + options_.file.string()
                       + ", or an address server "
                         "(address.server.domain) that tells them");
  return members_;
}

member_lookup::reading member_lookup::first_reading() const {
  if (source_ == member_source::list)
    return {{}, options_.members};
  if (source_ == member_source::file)
    return read_file();
  reading x;
  for (unsigned i = 1; i <= first_tries; ++i) {
    net::io_context io(1); // the other one does not run yet
    if (i > 1)
      net::steady_timer(io, times_.first_pause).wait();
    http_get(io, server_request(), [&x](http_get_result answer) {
      x = {std::move(answer.problem), std::move(answer.body)};
    });
    io.run();
    members_of(x);
    if (x.problem.empty())
      break;
    spdlog::warn("members-unknown {}: {} (try {} of {})", source_name(), x.problem, i, first_tries);
  }
  return x;
}

void member_lookup::start() {
  if (source_ == member_source::file)
    watch_file();
  if (source_ == member_source::address_server)
    ask_server_later();
}

/// By reading it: a list is short, and its text tells every change, in place, by a rename or behind
/// a symbolic link, where times and watches of files each miss some.
void member_lookup::watch_file() {
  timer_.expires_after(times_.file_interval);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    auto self = weak.lock();
    if (cancelled || !self)
      return;
    self->on_file(self->read_file());
    self->watch_file();
  });
}

member_lookup::reading member_lookup::read_file() const {
  std::error_code ec;
  if (!std::filesystem::is_regular_file(options_.file, ec))
    return {ec ? ec.message() : "is no regular file", {}}; // opening a pipe would wait
  reading x;
  x.text.resize(list_bytes_max + 1);
  errno = 0;
  std::ifstream in(options_.file, std::ios::binary);
  in.read(x.text.data(), static_cast<std::streamsize>(x.text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    return {std::generic_category().message(errno), {}};
  x.text.resize(static_cast<std::size_t>(in.gcount()));
  return x;
}

/// A file that is being written can be cut off anywhere, also where what is left makes a list. So
/// its new text is looked at only when it was there twice, and then taken over as a whole or not at
/// all: a half-written file must not remove members.
void member_lookup::on_file(reading seen) {
  const bool is_settled = seen == seen_;
  seen_ = std::move(seen);
  if (!is_settled || seen_ == evaluated_)
    return;
  evaluated_ = seen_;
  auto x = evaluated_;
  auto list = members_of(x);
  if (x.problem.empty())
    take_over(std::move(list));
  else
    spdlog::warn("members-kept {}: {}; the {} members known before hold", source_name(), x.problem,
                 members_.size());
}

void member_lookup::ask_server_later() {
  timer_.expires_after(times_.server_interval);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    if (auto self = weak.lock(); self && !cancelled)
      self->ask_server();
  });
}

http_get_request member_lookup::server_request() const {
  return {options_.address_server_domain, options_.address_server_port, options_.address_server_url,
          times_.server_timeout, list_bytes_max};
}

void member_lookup::ask_server() {
  http_get(io_, server_request(), [weak = weak_from_this()](const http_get_result& answer) {
    auto self = weak.lock();
    if (!self)
      return;
    self->on_server(answer);
    self->ask_server_later();
  });
}

void member_lookup::on_server(const http_get_result& answer) {
  reading x{answer.problem, answer.body};
  auto list = members_of(x);
  if (!x.problem.empty()) {
    if (++failures_ == failures_told)
      spdlog::warn("members-kept {}: {}, {} times in a row; the {} members known before hold",
                   source_name(), x.problem, failures_, members_.size());
    return;
  }
  if (failures_ >= failures_told)
    spdlog::info("members-told-again {}, after {} failures", source_name(), failures_);
  failures_ = 0;
  take_over(std::move(list));
}

member_lookup::members member_lookup::members_of(reading& x) const {
  if (!x.problem.empty())
    return {};
  if (x.text.size() > list_bytes_max) {
    x.problem = "longer than " + std::to_string(list_bytes_max) + " bytes";
    return {};
  }
  auto list = parse_member_list(x.text, default_port_);
  if (!list.unreadable.empty())
    x.problem = "no host[:port]: " + in_words(list.unreadable);
  else if (list.addresses.empty())
    x.problem = "names nobody";
  return x.problem.empty() ? std::move(list.addresses) : members();
}

void member_lookup::take_over(members list) {
  if (list == members_)
    return;
  spdlog::info("members-changed {}: {} members, {} before", source_name(), list.size(),
               members_.size());
  members_ = std::move(list);
  on_change_(members_);
}

std::string member_lookup::source_name() const {
  switch (source_) {
    case member_source::list:
      return "the list nacos.member.list";
    case member_source::file:
      return "the file " + options_.file.string();
    case member_source::address_server:
      break;
  }
  return "the address server " + options_.address_server_domain + ':'
         + std::to_string(options_.address_server_port) + options_.address_server_url;
}

} // namespace nacre
