// What does each part of an instance and of a service cost in memory? It makes many of each and
// counts what the allocator gives, slack of its sizes included.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <malloc.h>

#include "actors/naming/client_table.hpp"
#include "actors/naming/service.hpp"
#include "actors/tables/history.hpp"

namespace {

std::size_t bytes = 0;

} // namespace

void* operator new(std::size_t size) {
  auto x = std::malloc(size);
  if (!x)
    throw std::bad_alloc();
  bytes += malloc_usable_size(x);
  return x;
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  auto x = std::malloc(size);
  bytes += malloc_usable_size(x);
  return x;
}

void operator delete(void* x) noexcept {
  if (x)
    bytes -= malloc_usable_size(x);
  std::free(x);
}

void operator delete(void* x, std::size_t) noexcept { operator delete(x); }

namespace {

using namespace nacre;

constexpr int services_count = 2'000;
constexpr int instances_each = 10;
constexpr int instances_count = services_count * instances_each;

/// Prints what `make` leaves in memory for each of `count`.
template <class Make>
void part(const char* name, int count, Make make) {
  auto before = bytes;
  make();
  auto grown = static_cast<double>(bytes) - static_cast<double>(before);
  std::printf("part=%s bytes=%.0f\n", name, grown / count);
}

template <class State>
std::size_t actor_size() {
  using actor = caf::stateful_actor<State, service_actor::base>;
  return sizeof(caf::actor_storage<actor>);
}

metadata_map equal_metadata(int) {
  return make_metadata({{"preserved.heart.beat.timeout", "15000"},
                        {"preserved.ip.delete.timeout", "30000"},
                        {"version", "1.0.0"}});
}

metadata_map distinct_metadata(int number) {
  auto text = std::to_string(number);
  return {{"id", std::string(198 - text.size(), '0') + text}};
}

void metadata_parts() {
  std::vector<shared_metadata> equal(instances_count);
  std::vector<shared_metadata> distinct(instances_count);
  auto fill = [](auto& list, auto make) {
    return [&list, make] {
      for (int i = 0; i < instances_count; ++i)
        list[static_cast<std::size_t>(i)] = make(i);
    };
  };
  part("metadata_equal", instances_count, fill(equal, equal_metadata));
  part("metadata_distinct_200", instances_count, fill(distinct, distinct_metadata));
}

instance instance_of(const client_id& client) {
  instance x;
  x.ip = client.ip;
  x.port = client.port;
  return x;
}

/// What one registration leaves, part by part.
struct registrations {
  std::vector<service_ref> keys;
  std::vector<lease_ptr> leases;
  std::vector<publication_ptr> publications;
  std::vector<std::unique_ptr<service_table>> services;

  registrations() {
    keys.reserve(services_count);
    services.reserve(services_count);
    leases.reserve(instances_count);
    publications.reserve(instances_count);
  }

  /// Instance i belongs to service i % services_count.
  void make_clients() {
    part("service_key", services_count, [&] {
      for (int i = 0; i < services_count; ++i)
        keys.push_back(make_service_ref(
          {default_namespace, default_group, "memory-bench-" + std::to_string(100'000 + i)}));
    });
    part("lease", instances_count, [&] {
      for (int i = 0; i < instances_count; ++i)
        leases.push_back(make_lease(
          keys[static_cast<std::size_t>(i % services_count)],
          {"127.10." + std::to_string(i / 250) + ".1", static_cast<std::uint16_t>(i % 250 + 1)},
          steady_time{}));
    });
    part("publication", instances_count, [&] {
      for (auto& lease : leases)
        publications.push_back(make_publication(lease, {instance_of(lease->client)}));
    });
  }

  void fill(lease_table& held, client_table& clients, history_book& history) {
    part("lease_table", instances_count, [&] {
      for (auto& lease : leases)
        held.insert(lease);
    });
    part("client_table", instances_count, [&] {
      for (auto& x : publications)
        clients.put(x, steady_time{});
    });
    part("history", instances_count, [&] {
      for (auto& lease : leases)
        history.add(lease->service, {wall_time{}, lease, nullptr});
    });
  }

  void make_services() {
    part("service_table_and_view", services_count, [&] {
      for (auto& key : keys)
        services.push_back(std::make_unique<service_table>(key, wall_time{}));
    });
    part("publication_set", instances_count, [&] {
      for (std::size_t i = 0; i < publications.size(); ++i)
        services[i % services_count]->publish(publications[i], wall_time{});
    });
  }
};

} // namespace

int main() {
  metadata_parts();
  registrations all;
  lease_table held;
  client_table clients;
  history_book history;
  all.make_clients();
  all.fill(held, clients, history);
  all.make_services();
  std::printf("part=service_actor bytes=%zu\n", actor_size<service_state>());
}
