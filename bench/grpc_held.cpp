#include "bench/answer_check.hpp"
#include "bench/clock.hpp"
#include "bench/failure.hpp"
#include "bench/grpc_cases.hpp"
#include "bench/registry_client.hpp"
#include "bench/server_cpu.hpp"

#include <unistd.h>

#include <cstdio>

namespace nacre::bench {

namespace {

/// The many clients, and what serves them: it must outlive them.
struct held_clients {
  poller loop;
  registry_clients clients;
};

std::size_t hosts_of(registry_client& observer, const std::string& query) {
  const auto answer = observer.ask(query);
  require_success(answer, "QueryServiceResponse");
  return values_of(answer.body, R"("ip":")", "\"").size();
}

/// Registers one instance from each client and looks whether all are there.
void publish(held_clients& held, registry_client& observer, const fleet& all,
             const std::vector<std::string>& queries, double settle_s) {
  for (std::size_t i = 0; i < held.clients.size(); ++i)
    held.clients[i]->expect(registration(all, i % all.services, all.ip(i)).with(1),
                            "InstanceResponse");
  held.loop.run_for(settle_s);
  std::size_t hosts = 0;
  for (const auto& query : queries)
    hosts += hosts_of(observer, query);
  if (hosts != held.clients.size())
    throw failure(std::to_string(hosts) + " instances are listed, not "
                  + std::to_string(held.clients.size()));
}

/// Waits until no service lists an instance. None comes back, so each is asked until it is empty.
void await_none(const poller& loop, registry_client& observer,
                const std::vector<std::string>& queries, std::int64_t deadline_ns) {
  for (const auto& query : queries)
    while (const auto left = hosts_of(observer, query)) {
      if (now_ns() > deadline_ns)
        throw failure("a service lists " + std::to_string(left)
                      + " instances of connections "
                        "that are gone");
      loop.run_for(0.005);
    }
}

} // namespace

void run_grpc_held(const grpc_held_options& options, const contestant& one) {
  allow_sockets(options.connections);
  const fleet all{"grpc-held-" + std::to_string(::getpid()) + "-", options.services, 1};
  std::vector<std::string> queries;
  for (std::size_t i = 0; i < all.services; ++i)
    queries.push_back(remote_query(all, i));
  held_clients held;
  registry_client observer(held.loop, one.server.address, true);
  held.loop.run_for(options.settle_s);
  const auto before = one.pid ? process_resident_kib(one.pid) : 0;
  const auto cpu = one.pid ? process_cpu_ns(one.pid) : 0;
  const auto begin = now_ns();
  held.clients = open_clients(held.loop, one.server.address, options.connections);
  const auto opened_s = static_cast<double>(now_ns() - begin) / 1e9;
  const auto open_cpu_ns = one.pid ? process_cpu_ns(one.pid) - cpu : 0;
  held.loop.run_for(options.settle_s);
  const auto opened = one.pid ? process_resident_kib(one.pid) : 0;
  if (!one.is_bare)
    publish(held, observer, all, queries, options.settle_s);
  const auto published = one.pid ? process_resident_kib(one.pid) : 0;
  const auto count = static_cast<double>(options.connections);
  std::printf("held target=%s connections=%zu opened_s=%.2f opened_per_second=%.0f",
              one.server.name.c_str(), options.connections, opened_s, count / opened_s);
  if (one.pid)
    std::printf(" open_cpu_us=%.1f rss_before_mib=%.1f rss_mib=%.1f kb_per_connection=%.2f "
                "open_kb=%.2f",
                static_cast<double>(open_cpu_ns) / 1e3 / count, static_cast<double>(before) / 1024,
                static_cast<double>(published) / 1024,
                static_cast<double>(published - before) * 1.024 / count,
                static_cast<double>(opened - before) * 1.024 / count);
  std::fflush(stdout);
  // Closing so many sockets takes this process a while, which counts as the server's time.
  const auto dropped = now_ns();
  held.clients.clear();
  const auto closed_ms = static_cast<double>(now_ns() - dropped) / 1e6;
  if (!one.is_bare) {
    await_none(held.loop, observer, queries,
               dropped + static_cast<std::int64_t>(options.timeout_s * 1e9));
    std::printf(" cleaned_ms=%.0f", static_cast<double>(now_ns() - dropped) / 1e6);
  }
  std::printf(" closing_ms=%.0f\n", closed_ms);
  std::fflush(stdout);
}

} // namespace nacre::bench
