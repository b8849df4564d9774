#include "bench/clock.hpp"
#include "bench/failure.hpp"
#include "bench/registry_client.hpp"
#include "bench/scale_parts.hpp"
#include "bench/scale_requests.hpp"
#include "bench/server_cpu.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace nacre::bench {

namespace {

/// How often a client of SDKs says that it is there.
constexpr double health_interval_s = 5;

/// All connections, and what serves them: it must outlive them.
struct clients_of_bench {
  poller loop;
  registry_clients clients;

  /// Asks `count` requests in turn of the clients, so many at a time, or so many per second.
  void ask_all(std::size_t count, std::size_t at_a_time, double per_second,
               const std::function<std::string(std::size_t)>& make, std::string_view type,
               const std::function<void(std::size_t)>& on_answer);
};

void clients_of_bench::ask_all(std::size_t count, std::size_t at_a_time, double per_second,
                               const std::function<std::string(std::size_t)>& make,
                               std::string_view type,
                               const std::function<void(std::size_t)>& on_answer) {
  std::size_t sent = 0;
  std::size_t answers = 0;
  std::vector<bool> busy(clients.size());
  const auto begin = now_ns();
  const auto send = [&] {
    const auto seconds = static_cast<double>(now_ns() - begin) / 1e9;
    const auto due = per_second > 0 ? static_cast<std::size_t>(seconds * per_second) : count;
    while (sent < std::min(due, count) && sent - answers < at_a_time
           && !busy[sent % clients.size()]) {
      const auto i = sent++;
      busy[i % clients.size()] = true;
      clients[i % clients.size()]->call(make(i), 0);
    }
  };
  for (std::size_t who = 0; who < clients.size(); ++who)
    clients[who]->answered = [&, who](std::size_t, const remote_message& answer) {
      require_success(answer, type);
      busy[who] = false;
      on_answer(++answers);
      send();
    };
  for (auto moved = now_ns(), seen = std::int64_t{0}; answers < count;) {
    send();
    loop.run([&] { return answers == count; }, now_ns() + 500'000);
    if (seen != static_cast<std::int64_t>(answers)) {
      seen = static_cast<std::int64_t>(answers);
      moved = now_ns();
    } else if (now_ns() - moved > patience_ns) {
      throw failure("no answer for 10 s");
    }
  }
  for (auto& one : clients)
    one->answered = nullptr;
}

void fill(const scale_options& options, clients_of_bench& held) {
  const auto& all = options.all;
  const auto count = held.clients.size();
  const auto per_client = all.instances() / count;
  fill_report report(options);
  // Each client has instances of neighbouring services, one of each.
  held.ask_all(
    per_client * count, std::min(options.connections, count), 0,
    [&](std::size_t i) {
      const auto client = i % count;
      const auto k = i / count;
      return scale_remote_registration(all, (client * per_client + k) % all.services, i);
    },
    "InstanceResponse", [&](std::size_t answers) { report.on_answer(answers); });
  report.print("grpc");
}

void keep_alive(const scale_options& options, clients_of_bench& held) {
  static const auto health =
    envelope("HealthCheckRequest", R"({"headers":{},"module":"internal"})");
  const auto rate = static_cast<double>(held.clients.size()) / health_interval_s;
  scale_observer observer(options.http, options.all, options.all.services, observer_interval_ns);
  const auto cpu = options.pid ? process_cpu_ns(options.pid) : 0;
  const auto begin = now_ns();
  held.ask_all(
    static_cast<std::size_t>(std::max(rate * options.seconds, 1.0)), held.clients.size(), rate,
    [](std::size_t) { return health; }, "HealthCheckResponse", [](std::size_t) {});
  const auto seconds = static_cast<double>(now_ns() - begin) / 1e9;
  std::printf("keep-alive per_second=%.0f", rate);
  if (options.pid)
    std::printf(" server=%.2f",
                static_cast<double>(process_cpu_ns(options.pid) - cpu) / 1e9 / seconds);
  std::printf("\n");
  print_waits("keep-alive", observer.stop());
}

void close_some(const scale_options& options, clients_of_bench& held) {
  const auto per_client = options.all.instances() / held.clients.size();
  const auto closed = std::min(held.clients.size(), options.stopped / per_client);
  if (closed == 0)
    throw failure("none of the connections has as few instances as are to stop");
  const auto services = std::min(options.all.services, closed * per_client);
  scale_observer observer(options.http, options.all, services, observer_interval_ns);
  held.loop.run_for(1);
  const auto begin = now_ns();
  held.clients.erase(held.clients.begin(),
                     held.clients.begin() + static_cast<std::ptrdiff_t>(closed));
  std::printf("closed connections=%zu instances=%zu closing_ms=%.0f\n", closed, closed * per_client,
              static_cast<double>(now_ns() - begin) / 1e6);
  held.loop.run_for(10);
  const auto seen = observer.stop();
  print_waits("connections-closed", seen);
  print_expiry(seen, options.all.per_service, begin);
}

} // namespace

void run_grpc(const scale_options& options) {
  allow_sockets(options.grpc_connections);
  clients_of_bench held;
  const auto begin = now_ns();
  held.clients = open_clients(held.loop, options.grpc, options.grpc_connections);
  std::printf("opened connections=%zu seconds=%.2f\n", held.clients.size(),
              static_cast<double>(now_ns() - begin) / 1e9);
  fill(options, held);
  keep_alive(options, held);
  close_some(options, held);
}

} // namespace nacre::bench
