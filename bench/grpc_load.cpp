#include "bench/answer_check.hpp"
#include "bench/clock.hpp"
#include "bench/failure.hpp"
#include "bench/grpc_cases.hpp"
#include "bench/registry_client.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unordered_map>

namespace nacre::bench {

namespace {

/// Every how many answers under load one is read in full.
constexpr std::size_t full_check_every = 16;

/// A run in which no answer comes for this long has failed.
constexpr std::int64_t stall_ns = 10'000'000'000;

/// The instances a client publishes, and the next one to be changed.
struct published {
  struct row {
    std::size_t instance = 0;
    registration request;
    std::uint32_t number = 0; // sent last
  };
  std::vector<row> rows;
  std::size_t next = 0;
};

/// A server, its clients and what they have told it. The clients stay connected over all rounds,
/// as what they registered would go with them.
struct side {
  contestant* one = nullptr;
  registry_clients clients;
  std::vector<published> publishers; // by client
  std::uint32_t last_number = 0;
  std::size_t next_query = 0;
};

/// A whole gRPC message as bare_grpc_server sends it, with its head of five bytes.
std::string message_of_size(const std::string& type, std::size_t size) {
  wire::Payload payload;
  payload.mutable_metadata()->set_type(type);
  payload.mutable_body()->set_value(std::string(size, 'x'));
  const auto bytes = payload.SerializeAsString();
  std::string head(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8)
    head += static_cast<char>(bytes.size() >> shift & 255U);
  return head + bytes;
}

class comparison {
public:
  comparison(const grpc_load_options& options, std::vector<contestant>& contestants)
    : options_(options), contestants_(contestants) {
    for (std::size_t i = 0; i < options.all.services; ++i)
      queries_.push_back(remote_query(options.all, i));
  }

  void run() {
    for (auto& one : contestants_)
      open(one);
    loop_.run_for(options_.settle_s);
    for (const auto& word : options_.cases)
      run_case(word);
  }

private:
  /// Instance i belongs to service i % services; those of one service are published by clients
  /// that follow each other, since a client has one instance of a service at most.
  [[nodiscard]] std::size_t client_of(std::size_t instance) const {
    const auto& all = options_.all;
    return (instance % all.services * all.per_service + instance / all.services)
           % options_.connections;
  }

  void open(contestant& one) {
    auto& x = sides_.emplace_back();
    x.one = &one;
    x.clients = open_clients(loop_, one.server.address, options_.connections, !one.is_static);
    x.publishers.resize(options_.connections);
    const auto begin = now_ns();
    for (std::size_t i = 0; i < options_.all.instances(); ++i) {
      const auto client = client_of(i);
      auto& row = x.publishers[client].rows.emplace_back(published::row{
        i, registration(options_.all, i % options_.all.services, options_.all.ip(i)), 0});
      if (!one.is_bare) {
        row.number = ++x.last_number;
        x.clients[client]->expect(row.request.with(row.number), "InstanceResponse");
      }
    }
    if (one.is_bare)
      return;
    const auto seconds = static_cast<double>(now_ns() - begin) / 1e9;
    std::printf("fill target=%s instances=%zu seconds=%.2f\n", one.server.name.c_str(),
                options_.all.instances(), seconds);
    std::fflush(stdout);
  }

  void run_case(const std::string& word) {
    const bool registers = word == "register";
    for (auto& x : sides_)
      prepare(x, registers);
    for (std::size_t round = 0; round < options_.rounds; ++round)
      for (auto& x : sides_) {
        load_window window(options_.times);
        measure_round(*x.one, window, [&] { return run_round(x, registers, window); });
      }
    if (registers) {
      loop_.run_for(options_.settle_s);
      for (auto& x : sides_)
        if (!x.one->is_bare)
          check_lists(x, nullptr);
    }
    print_case("grpc-" + word + (options_.calls > 1 ? "-x" + std::to_string(options_.calls) : ""),
               contestants_);
  }

  /// Takes the sizes of the answers; bare servers are asked for those of the subject.
  void prepare(side& x, bool registers) {
    auto& result = x.one->result;
    result = {};
    if (x.one->is_bare) {
      const bool alone = contestants_.front().is_bare;
      result.sizes = contestants_.front().result.sizes;
      if (alone)
        result.sizes.assign(1, registers ? options_.register_size : options_.query_size);
      const auto size = result.sizes[result.sizes.size() / 2];
      result.sizes.assign(1, size);
      const std::string type = registers ? "InstanceRequest" : "ServiceQueryRequest";
      if (x.one->is_static)
        write_answer(
          message_of_size(registers ? "InstanceResponse" : "QueryServiceResponse", size));
      else
        x.clients[0]->ask(envelope("AnswerSizeRequest", type + ' ' + std::to_string(size)));
    } else if (registers) {
      auto& row = x.publishers[0].rows.at(0);
      row.number = ++x.last_number;
      const auto answer = x.clients[0]->ask(row.request.with(row.number));
      require_success(answer, "InstanceResponse");
      result.sizes.assign(1, answer.body.size());
      result.meaning = hash_of("ok");
    } else {
      check_lists(x, &result);
      if (result.meaning != contestants_.front().result.meaning)
        throw failure(x.one->server.name + " answers otherwise than "
                      + contestants_.front().server.name);
    }
  }

  void write_answer(const std::string& bytes) const {
    std::ofstream file(options_.answer_file, std::ios::binary | std::ios::trunc);
    if (!(file << bytes).flush())
      throw failure("cannot write " + options_.answer_file);
  }

  /// Reads all lists in full, each host with the weight that was registered last.
  void check_lists(side& x, standing* result) {
    std::unordered_map<std::string, std::uint32_t> numbers;
    for (const auto& publisher : x.publishers)
      for (const auto& row : publisher.rows)
        numbers[options_.all.ip(row.instance)] = row.number;
    auto meaning = hash_of("query");
    for (const auto& query : queries_) {
      const auto answer = x.clients[0]->ask(query);
      require_success(answer, "QueryServiceResponse");
      meaning = hash_of(
        std::to_string(meaning_of(request_kind::query, answer.body, {options_.all.per_service}))
          + ';',
        meaning);
      const auto ips = values_of(answer.body, R"("ip":")", "\"");
      const auto values = values_of(answer.body, R"("weight":)", ".,}");
      for (std::size_t i = 0; i < ips.size(); ++i)
        if (values.size() != ips.size() || values[i] != weight_of(numbers.at(std::string(ips[i]))))
          throw failure("a registration was answered but not carried out: " + answer.body);
      if (result)
        result->sizes.push_back(answer.body.size());
    }
    if (result)
      result->meaning = meaning;
  }

  pool_report run_round(side& x, bool registers, load_window& window) {
    std::vector<std::int64_t> sent(x.clients.size() * options_.calls); // by tag
    auto active = sent.size();
    const auto send_next = [&](std::size_t tag) {
      if (!window.open()) {
        --active;
        return;
      }
      const auto client = tag % x.clients.size();
      sent[tag] = now_ns();
      x.clients[client]->call(
        registers ? next_registration(x, client) : queries_[x.next_query++ % queries_.size()], tag);
    };
    for (auto& client : x.clients)
      client->answered = [&](std::size_t tag, const remote_message& answer) {
        window.on_answer(sent[tag], now_ns());
        check(*x.one, registers, answer, window.answers() % full_check_every == 0);
        send_next(tag);
      };
    const auto wall = now_ns();
    const auto cpu = thread_cpu_ns();
    for (std::size_t tag = 0; tag < sent.size(); ++tag)
      send_next(tag);
    for (std::size_t seen = 0; active > 0; seen = window.answers())
      if (!loop_.run([&] { return active == 0; }, now_ns() + stall_ns) && seen == window.answers())
        throw failure(x.one->server.name + ": no answer for 10 s");
    const auto span = std::max<std::int64_t>(now_ns() - wall, 1);
    return {static_cast<double>(thread_cpu_ns() - cpu) / static_cast<double>(span), 0};
  }

  static const std::string& next_registration(side& x, std::size_t client) {
    auto& mine = x.publishers[client];
    auto& row = mine.rows[mine.next++ % mine.rows.size()];
    row.number = ++x.last_number;
    return row.request.with(row.number);
  }

  void check(const contestant& one, bool registers, const remote_message& answer,
             bool fully) const {
    const auto& sizes = one.result.sizes;
    if (one.is_bare) {
      if (answer.body.size() != sizes[0])
        throw failure("the bare server sent " + std::to_string(answer.body.size()) + " bytes where "
                      + std::to_string(sizes[0]) + " were asked for");
      return;
    }
    require_success(answer, registers ? "InstanceResponse" : "QueryServiceResponse");
    if (registers)
      return;
    const expectation wanted{options_.all.per_service};
    if (fully)
      meaning_of(request_kind::query, answer.body, wanted);
    else
      check_shape(request_kind::query, answer.body, sizes[0], wanted);
  }

  const grpc_load_options& options_;
  std::vector<contestant>& contestants_;
  poller loop_;
  std::vector<side> sides_;
  std::vector<std::string> queries_;
};

} // namespace

void run_grpc_load(const grpc_load_options& options, std::vector<contestant>& contestants) {
  comparison(options, contestants).run();
}

} // namespace nacre::bench
