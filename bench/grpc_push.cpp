#include "bench/answer_check.hpp"
#include "bench/clock.hpp"
#include "bench/failure.hpp"
#include "bench/grpc_cases.hpp"
#include "bench/registry_client.hpp"
#include "bench/server_cpu.hpp"
#include "bench/statistics.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <set>

namespace nacre::bench {

namespace {

constexpr std::int64_t never = -1;

double to_ms(const std::vector<std::int64_t>& values, double share) {
  return static_cast<double>(quantile(values, share)) / 1e6;
}

/// Services of this run alone: one that a former run changed is not quiet.
fleet own_services(std::string_view word, std::size_t services) {
  return {std::string(word) + std::to_string(::getpid()) + "-", services, 1};
}

/// What a bare server is told to push in place of a registry's list.
std::string bare_push(const std::string& service, const std::string& ip, std::uint32_t number) {
  return envelope("PushRequest",
                  R"({"headers":{},"requestId":"1","module":"naming","serviceInfo":{"name":")"
                    + service + R"(","groupName":"DEFAULT_GROUP","clusters":"","hosts":[{"ip":")"
                    + ip + R"(","port":8080,"weight":)" + weight_of(number)
                    + R"(.0,"healthy":true,"enabled":true,"clusterName":"DEFAULT",)"
                      R"("metadata":{}}]}})");
}

/// One change of an instance, for a registry or for a bare server.
class change {
public:
  change(const fleet& all, std::size_t service, std::string ip, bool is_bare)
    : service_(all.service_name(service)),
      ip_(std::move(ip)),
      is_bare_(is_bare),
      request_(all, service, ip_) {}

  const std::string& with(std::uint32_t number) {
    if (!is_bare_)
      return request_.with(number);
    bytes_ = bare_push(service_, ip_, number);
    return bytes_;
  }

private:
  std::string service_;
  std::string ip_;
  bool is_bare_;
  registration request_;
  std::string bytes_;
};

struct push_samples {
  std::vector<std::int64_t> sent_ns;
  std::vector<std::int64_t> push_ns;   // from sending the registration to its push
  std::vector<std::int64_t> answer_ns; // from sending the registration to its answer
  std::size_t arrived = 0;
};

void take_push(push_samples& samples, const fleet& all, const remote_message& push) {
  const auto at = now_ns();
  const auto names = values_of(push.body, R"("name":")", "\"");
  if (names.empty() || !names[0].starts_with(all.prefix))
    throw failure("a push of a service nobody asked for: " + push.body.substr(0, 300));
  const auto i = std::stoul(std::string(names[0].substr(all.prefix.size())));
  const auto ips = values_of(push.body, R"("ip":")", "\"");
  if (ips.empty())
    return; // of the subscription itself: there is no instance yet
  if (i >= samples.sent_ns.size() || samples.sent_ns[i] == never || ips.size() != 1
      || ips[0] != all.ip(i))
    throw failure("a push that nothing was changed for: " + push.body.substr(0, 300));
  if (samples.push_ns[i] == never) {
    samples.push_ns[i] = at - samples.sent_ns[i];
    ++samples.arrived;
  }
}

void print_push(const contestant& one, push_samples& samples) {
  const auto lost = samples.push_ns.size() - samples.arrived;
  std::erase(samples.push_ns, never);
  std::printf("push target=%s samples=%zu p50_ms=%.3f p99_ms=%.3f max_ms=%.3f "
              "answer_p50_ms=%.3f lost=%zu\n",
              one.server.name.c_str(), samples.push_ns.size(), to_ms(samples.push_ns, 0.5),
              to_ms(samples.push_ns, 0.99), to_ms(samples.push_ns, 1),
              to_ms(samples.answer_ns, 0.5), lost);
  std::fflush(stdout);
  if (lost > 0)
    throw failure(std::to_string(lost) + " changes were not pushed");
}

/// What all subscribers have seen of one change.
struct fanout_progress {
  std::string wanted; // how it shows in a push
  std::vector<bool> seen;
  std::size_t arrived = 0;
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;

  void begin(std::uint32_t number) {
    wanted = R"("weight":)" + weight_of(number);
    seen.assign(seen.size(), false);
    arrived = 0;
  }

  void take(std::size_t subscriber, const remote_message& push) {
    if (seen[subscriber] || push.body.find(wanted) == push.body.npos)
      return;
    seen[subscriber] = true;
    last_ns = now_ns();
    if (arrived++ == 0)
      first_ns = last_ns;
  }
};

} // namespace

void run_grpc_push(const grpc_push_options& options, const contestant& one) {
  poller loop;
  const auto all = own_services("grpc-push-", options.samples);
  registry_client subscriber(loop, one.server.address, true);
  registry_client publisher(loop, one.server.address, true);
  push_samples samples;
  samples.sent_ns.assign(options.samples, never);
  samples.push_ns.assign(options.samples, never);
  subscriber.pushed = [&](const remote_message& push) { take_push(samples, all, push); };
  if (!one.is_bare)
    for (std::size_t i = 0; i < options.samples; ++i)
      subscriber.expect(remote_subscription(all, i), "SubscribeServiceResponse");
  // A new subscriber may get a push of its own, which must not carry the first samples along.
  loop.run_for(options.settle_s);
  // At random times and without waiting for the push before, so that a server that pushes on a
  // tick is met at all phases.
  std::minstd_rand random(1);
  std::exponential_distribution<double> pause(1 / options.interval_s);
  for (std::size_t i = 0; i < options.samples; ++i) {
    change sample(all, i, all.ip(i), one.is_bare);
    const auto& request = sample.with(1);
    samples.sent_ns[i] = now_ns();
    const auto answer = publisher.ask(request);
    samples.answer_ns.push_back(now_ns() - samples.sent_ns[i]);
    if (!one.is_bare)
      require_success(answer, "InstanceResponse");
    loop.run_for(std::min(pause(random), 5 * options.interval_s));
  }
  loop.run([&] { return samples.arrived == options.samples; },
           now_ns() + static_cast<std::int64_t>(options.timeout_s * 1e9));
  print_push(one, samples);
}

void run_grpc_fanout(const grpc_fanout_options& options, const contestant& one) {
  allow_sockets(options.subscribers);
  poller loop;
  const auto all = own_services("grpc-fanout-", 1);
  auto subscribers = open_clients(loop, one.server.address, options.subscribers);
  registry_client publisher(loop, one.server.address, true);
  change instance(all, 0, all.ip(0), one.is_bare);
  fanout_progress progress;
  progress.seen.resize(options.subscribers);
  for (std::size_t i = 0; i < options.subscribers; ++i) {
    subscribers[i]->pushed = [&, i](const remote_message& push) { progress.take(i, push); };
    if (!one.is_bare)
      subscribers[i]->expect(remote_subscription(all, 0), "SubscribeServiceResponse");
  }
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> last;
  double cpu_ns = 0;
  for (std::size_t i = 0; i < options.changes; ++i) {
    loop.run_for(i == 0 ? options.settle_s : options.interval_s);
    const auto number = static_cast<std::uint32_t>(i + 1);
    progress.begin(number);
    const auto& request = instance.with(number);
    const auto cpu = one.pid ? process_cpu_ns(one.pid) : 0;
    const auto sent = now_ns();
    publisher.ask(request);
    if (!loop.run([&] { return progress.arrived == options.subscribers; },
                  now_ns() + static_cast<std::int64_t>(options.timeout_s * 1e9)))
      throw failure(one.server.name + ": " + std::to_string(options.subscribers - progress.arrived)
                    + " of " + std::to_string(options.subscribers) + " subscribers got no push");
    first.push_back(progress.first_ns - sent);
    last.push_back(progress.last_ns - sent);
    if (one.pid)
      cpu_ns += static_cast<double>(process_cpu_ns(one.pid) - cpu);
  }
  std::printf("fanout target=%s subscribers=%zu changes=%zu first_p50_ms=%.3f last_p50_ms=%.3f "
              "last_p99_ms=%.3f last_max_ms=%.3f",
              one.server.name.c_str(), options.subscribers, options.changes, to_ms(first, 0.5),
              to_ms(last, 0.5), to_ms(last, 0.99), to_ms(last, 1));
  if (one.pid)
    std::printf(" cpu_us_per_push=%.1f",
                cpu_ns / 1e3 / static_cast<double>(options.changes * options.subscribers));
  std::printf("\n");
  std::fflush(stdout);
}

} // namespace nacre::bench
