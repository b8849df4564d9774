// Wires a node: options → actor system → root actor → listener → signals.
#include <csignal>
#include <fstream>
#include <future>
#include <iostream>
#include <random>

#include <sys/resource.h>
#include <sys/stat.h>

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include "actors/base/batch_threads.hpp"
#include "actors/base/countdown.hpp"
#include "actors/distro/cluster_context.hpp"
#include "actors/node/node.hpp"
#include "actors/store/sqlite_disk.hpp"
#include "actors/store/store_tasks.hpp"
#include "config/config_error.hpp"
#include "config/load_options.hpp"
#include "config/usable_cores.hpp"
#include "config/usable_memory.hpp"
#include "grpc/link/cluster_server.hpp"
#include "grpc/link/grpc_peer_network.hpp"
#include "grpc/link/link_protocol.hpp"
#include "grpc/sdk/sdk_server.hpp"
#include "http/net/http_get.hpp"
#include "http/net/member_lookup.hpp"
#include "http/net/own_address.hpp"
#include "http/net/udp_socket.hpp"
#include "http/server/long_reads.hpp"
#include "http/server/server.hpp"
#include "probe/asio_prober.hpp"
#include "protocol/keyed_hash.hpp"
#ifdef NACRE_TEST_HOOK
#include "tests/hook/kill_actor.hpp"
#endif

/// Read by jemalloc at its start. Few arenas: a registry's memory is one big shared heap, and each
/// arena keeps its own slack. What hostile requests took for a moment goes back within a second, by
/// a thread of its own: without it an arena gives back only while somebody takes from it.
extern "C" {
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0,"
                          "background_thread:true,max_background_threads:1";
}

namespace {

using namespace nacre;
using namespace std::chrono_literals;

#ifdef NACRE_TEST_HOOK
constexpr auto more_routes = add_kill_route;
#else
constexpr void (*more_routes)(route_table&) = nullptr;
#endif

/// What the process waits for: a signal, or the root actor's unexpected end.
class signal_wait {
public:
  signal_wait() {
    sigemptyset(&set_);
    for (int signal : {SIGTERM, SIGINT})
      sigaddset(&set_, signal);
    // Before any thread starts: all of them inherit it, so only `next` takes these signals.
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is a write that fails
  }

  /// The signal that arrived within `patience`, 0 if none.
  int next(milliseconds patience) const {
    timespec limit{patience.count() / 1000, (patience.count() % 1000) * 1'000'000};
    auto signal = sigtimedwait(&set_, nullptr, &limit);
    return signal > 0 ? signal : 0;
  }

private:
  sigset_t set_{};
};

/// Creates the folder if need be; nobody else on this machine is to read what is in it.
void keep_private(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  umask(0077);
  fs::create_directories(folder);
  std::error_code failed;
  fs::permissions(folder, fs::perms::owner_all, failed);
  if (failed)
    spdlog::warn("data-folder-open {}: others may read it, {}", folder.string(), failed.message());
}

std::uint64_t random_id() {
  std::random_device random;
  return static_cast<std::uint64_t>(random()) << 32 | random();
}

/// Opens the store in the data folder, and reads it. @throws store_error if it can't be used
void open_store(node_context& context) {
  auto& opts = context.options;
  auto disk = std::make_shared<sqlite_disk>(opts.data_dir);
  auto found = disk->load();
  if (found)
    check_contents(*found);
  auto voters = found ? found->member.group().voters.size() : 0;
  if (opts.mode != node_mode::cluster && voters > 1)
    throw store_error(opts.data_dir.string() + " belongs to a node of a cluster of "
                      + std::to_string(voters)
                      + ": it can't agree with itself alone; start it with the list of members, or "
                        "take a backup and restore that into an empty folder");
  context.disk = std::move(disk);
  if (found)
    context.read_from_disk = std::make_shared<stored_contents>(std::move(*found));
}

/// As many descriptors as the machine allows: each connection is one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::size_t actor_threads(const options& opts) {
  return opts.actor_threads != 0 ? opts.actor_threads
                                 : std::max<std::size_t>(1, usable_cores() / 2);
}

/// Where SDKs look for gRPC: this far above the main port.
constexpr std::uint16_t sdk_port_offset = 1000;

/// Waits until the root has started its children.
void wait_for_start(caf::actor_system& system, const node_actor& root) {
  caf::scoped_actor self(system);
  self->request(root, 30s, status_request{})
    .receive([](const actor_status&) {},
             [&](const caf::error& err) {
               throw std::runtime_error("the node does not start: " + system.render(err));
             });
}

/// Waits until readers of a lone node see what was agreed on before. @returns false if a signal
/// came first
bool wait_for_store(const node_context& context, const signal_wait& signals) {
  while (!context.cluster && !context.shows_agreed_state)
    if (signals.next(1ms))
      return false;
  return true;
}

/// Ends the node's actors when it goes, whatever ended the serving: the actor system's destructor
/// waits for them.
struct node_guard {
  caf::actor_system& system;
  const node_context_ptr& context;

  ~node_guard() {
    caf::anon_send_exit(context->actors.node.get(), caf::exit_reason::user_shutdown);
    system.await_all_actors_done();
    // A thread of an actor's own lives until nobody holds the actor.
    context->actors.metadata.set({});
    context->actors.health.set({});
    context->actors.store.set({});
    context->actors.store_writer.set({});
    context->prober = nullptr;
    context->datagrams = nullptr; // its sockets belong to the threads, which go next
  }
};

/// This node's part in a cluster: who the members are, the wires to them and from them.
class cluster_member {
public:
  /// Looks the members up. @throws config_error
  cluster_member(const options& opts, io_threads& threads, const node_context_ptr& node)
    : threads_(threads),
      context_(node),
      lookup_(std::make_shared<member_lookup>(
        threads.front(), opts.cluster, opts.http.port, [node](std::vector<std::string> list) {
          caf::anon_send(node->cluster->membership.get(), members_listed{std::move(list)});
        })) {
    auto members = lookup_->first();
    auto self = own_member(members, opts.server_ip, opts.http.port);
    node->cluster = std::make_shared<cluster_context>(self, to_ms(node->clock.wall()) * 1'000,
                                                      std::move(members));
    node->cluster->network = std::make_shared<grpc_peer_network>(threads_, opts.cluster, self);
  }

  ~cluster_member() {
    if (context_->cluster)
      context_->cluster->network = nullptr; // waits for what is under way
  }

  /// The actors run: peers may come.
  void start() {
    auto& opts = context_->options;
    auto& node = context_;
    links_ = std::make_unique<cluster_server>(
      threads_, opts.cluster, node->cluster->self, opts.http.address,
      static_cast<std::uint16_t>(opts.http.port + cluster_port_offset),
      [node](const std::string& from) { return knows_peer(*node, from); },
      [node](const std::string& from, std::string frame) {
        return receive_frame(*node, from, std::move(frame));
      });
    lookup_->start();
  }

  /// Peers are told that this node stops; from here on they are not told of its connections, and
  /// take nothing from it.
  void leave(caf::actor_system& system) {
    caf::scoped_actor self(system);
    self->request(context_->cluster->membership.get(), 2s, leave_cluster{})
      .receive([](const left_cluster&) {},
               [](const caf::error&) { spdlog::warn("cluster-left without a farewell"); });
  }

  void stop() { links_.reset(); }

  /// If this node leads, another one does from here on: no write has to wait for an election.
  void hand_over_leadership() {
    auto over = std::make_shared<std::promise<void>>();
    auto done = over->get_future();
    auto answer = std::make_shared<countdown>([over] { over->set_value(); });
    caf::anon_send(context_->actors.store.get(), transfer_leadership{"", std::move(answer)});
    done.wait();
  }

private:
  io_threads& threads_;
  node_context_ptr context_;
  std::shared_ptr<member_lookup> lookup_;
  std::unique_ptr<cluster_server> links_;
};

/// Tells the node what it takes of the machine; said in the log when that becomes too much.
void watch_memory(memory_budget& memory) {
  bool before = memory.spent();
  memory.observe(resident_memory());
  if (before || !memory.spent())
    return;
  spdlog::error("memory-spent {} of {} bytes: nothing new is taken, what is there is served",
                memory.used().load(), memory.max());
}

/// Ends reads before the routes that handle them, whatever fails.
struct reads_end {
  long_reads& reads;
  ~reads_end() { reads.stop(); }
};

/// Serves until a signal comes. A root actor that failed is put in its place again; it finds its
/// children alive.
void serve_until_signal(caf::actor_system& system, const node_context_ptr& context,
                        const signal_wait& signals) {
  caf::scoped_actor self(system);
  auto root = context->actors.node.get();
  self->monitor(root);
  for (;;) {
    if (auto signal = signals.next(100ms)) {
      spdlog::info("node-stops on signal {}", signal);
      return;
    }
    watch_memory(context->tables.memory);
    bool lost = false;
    self->receive([&](const caf::down_msg&) { lost = true; }, caf::after(0s) >> [] {});
    if (lost) {
      spdlog::error("node-failed: its root actor starts again");
      root = spawn_node(system, context);
      self->monitor(root);
    }
  }
}

void configure(caf::actor_system_config& config, std::size_t threads) {
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", threads);
  // Of one actor's messages, before others have the thread: none that is flooded holds it.
  config.set("scheduler.max-throughput", 100);
  config.add_thread_hook<batch_threads>();
}

int run(const options& opts) {
  signal_wait signals;
  keep_private(opts.data_dir);
  raise_descriptor_limit();
  auto threads = actor_threads(opts);
  caf::actor_system_config config;
  configure(config, threads);
  auto context = std::make_shared<node_context>(opts, client_shards(opts, threads));
  caf::actor_system system(config);

  std::atomic<bool> ready{false};
  api_environment environment;
  environment.context = context;
  environment.ready = [&ready, &context] {
    return ready && context->shows_agreed_state
           && (!context->cluster || context->cluster->serves());
  };
  environment.own_ip = opts.server_ip.empty() ? first_own_ip() : opts.server_ip;
  auto worker = opts.snowflake_worker;
  context->tables.instance_ids.set_worker(
    worker >= 0 ? static_cast<std::uint32_t>(worker)
                : snowflake_worker(environment.own_ip + ':' + std::to_string(opts.http.port), {}));
  environment.started = context->clock.wall();
  long_reads aside;
  environment.run_aside = [&aside](const std::string& address, std::function<void()> read) {
    return aside.post(address, std::move(read));
  };
  io_threads io(opts.http.io_threads);
  io.start();
  http_server server(io, context->options.http, router(environment, more_routes));
  reads_end end_of_reads{aside};
  auto udp = std::make_shared<udp_socket>(io.front(), context);
  std::optional<cluster_member> member;
  if (opts.mode == node_mode::cluster)
    member.emplace(opts, io, context);
  open_store(*context);
  context->has_threads_for_disk = true;
  context->life = random_id();
  context->own_ip = environment.own_ip;
  context->prober = std::make_shared<asio_prober>(opts.health.probes_max);
  context->datagrams = udp; // from here on the guard takes it back, whatever fails
  node_guard guard{system, context};
  spawn_node(system, context);
  wait_for_start(system, context->actors.node.get());
  if (!wait_for_store(*context, signals))
    return 0;
  if (member)
    member->start();
  udp->start();
  server.start();
  sdk_server sdk(io, system, environment, opts.http.address,
                 static_cast<std::uint16_t>(server.port() + sdk_port_offset));
  ready = true;
  spdlog::info("node-serves http://{}:{}{} and gRPC on {}, {} actor threads, version {}",
               environment.own_ip, server.port(), opts.http.context_path, sdk.port(), threads,
               NACRE_VERSION);
  give_back_code_pages();

  serve_until_signal(system, context, signals);
  ready = false;
  if (member)
    member->hand_over_leadership();
  server.stop(5s); // first, as writes that came over it may need the other nodes
  if (member)
    member->leave(system);
  sdk.stop(2s);
  if (member)
    member->stop();
  return 0;
}

// -- what operators do besides -------------------------------------------------------------------

/// The store of a node that runs here, by its own word.
std::string copy_of_running(const options& opts) {
  boost::asio::io_context io;
  http_get_request ask;
  ask.host =
    opts.http.address.empty() || opts.http.address == "0.0.0.0" || opts.http.address == "::"
      ? "127.0.0.1"
      : opts.http.address;
  ask.port = opts.http.port;
  ask.target = "/nacre/admin/store/copy";
  ask.timeout = 60s;
  ask.body_bytes_max = std::size_t(4) << 30;
  http_get_result got;
  http_get(io, ask, [&](http_get_result x) { got = std::move(x); });
  io.run();
  if (!got.problem.empty())
    throw store_error("a node uses " + opts.data_dir.string() + ", and the one on port "
                      + std::to_string(opts.http.port) + " gives no copy: " + got.problem);
  return std::move(got.body);
}

void back_up(const options& opts, const std::filesystem::path& file) {
  if (std::filesystem::exists(file))
    throw store_error(file.string() + " is there already");
  try {
    return back_up_store(opts.data_dir, file);
  } catch (const store_in_use&) {
    // Then the node gives the copy.
  }
  auto bytes = copy_of_running(opts);
  std::ofstream out(file, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out)
    throw store_error(file.string() + " can't be written");
}

/// `backup FILE`, `restore FILE` or `store check DIR`.
int run_task(const loaded_options& loaded) {
  umask(0077);
  auto& words = loaded.task;
  auto& verb = words.front();
  if (verb == "store") {
    std::cout << words[2] << ": " << check_store(words[2]) << std::endl;
    return 0;
  }
  if (verb == "backup")
    back_up(loaded.values, words[1]);
  else
    restore_store(words[1], loaded.values.data_dir, {random_id(), random_id()}, loaded.replace);
  std::cout << (verb == "backup" ? "written: " : "restored: ") << words[1] << std::endl;
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  choose_hash_key();
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  try {
    auto loaded = load_options(argc, argv, process_environment());
    if (!loaded.answer.empty()) {
      std::cout << loaded.answer << std::flush;
      return 0;
    }
    if (!loaded.task.empty())
      return run_task(loaded);
    spdlog::set_level(spdlog::level::from_str(loaded.values.log_level));
    for (auto& warning : loaded.warnings)
      spdlog::warn("{}", warning);
    auto status = run(loaded.values);
    spdlog::info("node-stopped");
    return status;
  } catch (const std::exception& failure) {
    std::cerr << "nacre: " << failure.what() << std::endl;
    return 1;
  }
}
