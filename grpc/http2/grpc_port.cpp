#include <utility>

#include "grpc/http2/grpc_port.hpp"

#include <filesystem>
#include <thread>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace nacre {

namespace net = boost::asio;
using namespace std::chrono_literals;

namespace {

/// How often the files of TLS are looked at.
constexpr auto files_interval = 5s;

/// What shows that a file is another one.
std::string signs_of(const tls_files& files) {
  std::string signs;
  for (auto* path : {&files.certificate, &files.key, &files.trust}) {
    std::error_code missing;
    auto changed = std::filesystem::last_write_time(*path, missing);
    auto size = std::filesystem::file_size(*path, missing);
    signs += std::to_string(changed.time_since_epoch().count()) + ':' + std::to_string(size) + ' ';
  }
  return signs;
}

} // namespace

grpc_port::grpc_port(io_threads& threads, listen_options where, const http2_limits& limits,
                     port_counters& counters, tls_files files, user_maker make_user)
  : threads_(threads),
    common_(limits, counters),
    files_(std::move(files)),
    make_user_(std::move(make_user)),
    tls_(server_tls(files_)),
    files_timer_(threads.front()),
    listener_(std::make_shared<tcp_listener>(threads, std::move(where), *this)) {
  for (std::size_t i = 0; i < threads.size(); ++i)
    workers_.push_back(std::make_unique<http2_worker>(threads.at(i), common_));
  files_seen_ = signs_of(files_);
}

grpc_port::~grpc_port() { stop(0ms); }

void grpc_port::start() {
  listener_->start();
  threads_.on_each([this](std::size_t i) {
    workers_[i]->start();
    if (i == 0 && files_.enabled)
      watch_files();
  });
}

void grpc_port::watch_files() {
  files_timer_.expires_after(files_interval);
  files_timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled || stopping_)
      return;
    if (auto signs = signs_of(files_); signs != files_seen_) {
      files_seen_ = std::move(signs);
      try {
        tls_.set(server_tls(files_));
        spdlog::info("tls-reloaded {}: new connections see it", files_.certificate);
      } catch (const std::runtime_error& failure) {
        spdlog::error("tls-not-reloaded: {}; the files before go on", failure.what());
      }
    }
    watch_files();
  });
}

void grpc_port::take(std::size_t thread, stream_socket socket, connection_place place,
                     bool crowded) {
  auto& worker = *workers_[thread];
  // What is posted has to be copyable.
  auto its_socket = std::make_shared<stream_socket>(std::move(socket));
  auto its_place = std::make_shared<connection_place>(std::move(place));
  net::post(worker.io, [this, &worker, its_socket, its_place, crowded] {
    if (stopping_)
      return;
    if (crowded)
      worker.make_room();
    begin(worker, std::move(*its_socket), std::move(*its_place));
  });
}

void grpc_port::begin(http2_worker& worker, stream_socket socket, connection_place place) {
  auto connection = std::make_shared<http2_connection>(
    worker, std::move(socket), std::move(place),
    http2_connection::greeting{tls_.get(), !files_.enabled || files_.plain_too});
  connection->begin(make_user_(connection));
}

void grpc_port::on_scarce(const std::string&) {
  for (auto& x : workers_)
    net::post(x->io, [&x = *x] { x.make_room(); });
}

void grpc_port::go_away() {
  listener_->stop();
  threads_.on_each([this](std::size_t i) { workers_[i]->go_away(); });
}

void grpc_port::stop(milliseconds grace) {
  if (stopping_)
    return;
  go_away();
  auto deadline = std::chrono::steady_clock::now() + grace;
  while (listener_->connections() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(2ms);
  stopping_ = true;
  threads_.end_on_each(
    [this](std::size_t i) {
      if (i == 0)
        files_timer_.cancel();
      return workers_[i]->end_all();
    },
    1s);
}

} // namespace nacre
