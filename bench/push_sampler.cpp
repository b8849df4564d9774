#include "bench/push_sampler.hpp"

#include "bench/answer_check.hpp"
#include "bench/clock.hpp"
#include "bench/failure.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <zlib.h>

#include <array>
#include <charconv>

namespace nacre::bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

constexpr std::size_t datagram_max = 64 * 1024;
constexpr std::int64_t run_ns_max = 11'000'000'000;
constexpr std::size_t inflated_max = 16 * 1024 * 1024;

bool is_gzip(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
}

std::string inflated(std::string_view bytes) {
  z_stream stream{};
  // 16 asks for the gzip frame, 15 for the largest window.
  if (inflateInit2(&stream, 16 + 15) != Z_OK)
    throw failure("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string result;
  int state = Z_OK;
  while (state == Z_OK && result.size() < inflated_max) {
    std::array<char, 16 * 1024> part;
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    state = inflate(&stream, Z_NO_FLUSH);
    result.append(part.data(), part.size() - stream.avail_out);
  }
  const bool whole = state == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole)
    throw failure("a push does not inflate");
  return result;
}

/// Undoes one level of JSON escapes as far as names and addresses have any.
std::string without_backslashes(std::string text) {
  std::erase(text, '\\');
  return text;
}

} // namespace

push_sampler::push_sampler(const fleet& all, const sampler_options& options,
                           const tcp::endpoint& address)
  : options_(options),
    marker_("DEFAULT_GROUP@@" + all.prefix),
    tcp_(context_),
    udp_(context_, udp::endpoint(asio::ip::address_v4::loopback(), 0)),
    tick_(context_),
    datagram_(datagram_max) {
  // The pushes to new subscribers pile up before anyone reads them.
  udp_.set_option(asio::socket_base::receive_buffer_size(8 * 1024 * 1024));
  tcp_.connect(address);
  tcp_.set_option(tcp::no_delay(true));
  for (std::size_t i = 0; i < options.samples; ++i) {
    const auto instance = all.instances() + i; // belongs to service i
    auto host = R"("ip":")" + all.ip(instance) + '"';
    samples_.push_back({register_request(all, instance, 1, 2), std::move(host)});
  }
}

sampler_report push_sampler::run() {
  begin_ns_ = now_ns();
  await_datagram();
  await_tick();
  context_.run();
  report_.hash = hash_of("pushes");
  for (auto& one : samples_)
    if (one.push_ns >= 0) {
      report_.push_ns.push_back(one.push_ns);
      report_.hash = hash_of(one.host, report_.hash);
    }
  report_.lost = samples_.size() - arrived_;
  return std::move(report_);
}

/// The next sample is due after half to one and a half of the interval.
void push_sampler::await_tick() {
  if (posted_ == samples_.size()) {
    await_last();
    return;
  }
  using std::chrono::microseconds;
  const microseconds mean = options_.interval;
  std::uniform_int_distribution<std::int64_t> spread(0, mean.count());
  tick_.expires_after(mean / 2 + microseconds(spread(random_)));
  tick_.async_wait([this](error_code) {
    // Nobody beats meanwhile, and an instance that turns unhealthy is a change that nobody asked
    // for.
    if (now_ns() - begin_ns_ > run_ns_max)
      throw failure("the samples take too long");
    if (answered_)
      post();
    await_tick();
  });
}

void push_sampler::post() {
  auto& one = samples_[posted_++];
  answered_ = false;
  one.sent_ns = now_ns();
  asio::async_write(tcp_, asio::buffer(one.request), [this](error_code error, std::size_t) {
    if (error)
      throw failure("cannot send: " + error.message());
    read_answer();
  });
}

void push_sampler::read_answer() {
  const auto space = reader_.free_space();
  tcp_.async_read_some(asio::buffer(space.data(), space.size()),
                       [this](error_code error, std::size_t count) {
                         if (error)
                           throw failure("no answer: " + error.message());
                         if (!reader_.commit(count)) {
                           read_answer();
                           return;
                         }
                         if (reader_.status() != 200)
                           throw failure("status " + std::to_string(reader_.status()));
                         meaning_of(request_kind::register_instance, reader_.body(), {});
                         report_.post_ns.push_back(now_ns() - samples_[posted_ - 1].sent_ns);
                         if (!reader_.keep_alive()) {
                           const auto address = tcp_.remote_endpoint();
                           tcp_.close();
                           tcp_.connect(address);
                           tcp_.set_option(tcp::no_delay(true));
                         }
                         reader_.clear();
                         answered_ = true;
                         if (arrived_ == samples_.size())
                           tick_.cancel();
                       });
}

void push_sampler::await_datagram() {
  udp_.async_receive_from(asio::buffer(datagram_), sender_,
                          [this](error_code error, std::size_t size) {
                            if (error)
                              throw failure("cannot receive: " + error.message());
                            on_datagram(size, now_ns());
                            await_datagram();
                          });
}

void push_sampler::on_datagram(std::size_t size, std::int64_t arrived_ns) {
  const std::string_view bytes(datagram_.data(), size);
  const bool zipped = is_gzip(bytes);
  const auto text = zipped ? inflated(bytes) : std::string(bytes);
  ++report_.datagrams;
  report_.gzipped += zipped ? 1 : 0;
  acknowledge(text);
  const auto data = without_backslashes(text);
  const auto name = data.find(marker_);
  if (name == data.npos)
    throw failure("a push of no service of ours: " + data.substr(0, 300));
  std::size_t service = samples_.size();
  const auto* digits = data.data() + name + marker_.size();
  std::from_chars(digits, data.data() + data.size(), service);
  if (service >= samples_.size())
    throw failure("a push of a service nobody subscribed to: " + data.substr(0, 300));
  auto& one = samples_[service];
  // Pushes from before the sample, and repeated ones, tell nothing.
  if (one.sent_ns == 0 || one.push_ns >= 0 || data.find(one.host) == data.npos)
    return;
  one.push_ns = arrived_ns - one.sent_ns;
  if (++arrived_ == samples_.size())
    tick_.cancel();
}

/// The outer lastRefTime; the one of the list is inside a string and has its quotes escaped.
void push_sampler::acknowledge(const std::string& text) {
  constexpr std::string_view key = R"("lastRefTime":)";
  const auto begin = text.find(key);
  const auto digits = text.substr(begin == text.npos ? text.size() : begin + key.size(), 24);
  const auto number = digits.substr(0, digits.find_first_not_of("0123456789"));
  if (text.find(R"("type":"dom")") == text.npos || number.empty())
    throw failure("no push: " + text.substr(0, 300));
  const auto ack = R"({"type":"push-ack","lastRefTime":")" + number + R"(","data":""})";
  udp_.send_to(asio::buffer(ack), sender_);
}

/// Ends the run once all pushes have come, or when they are late.
void push_sampler::await_last() {
  if (arrived_ == samples_.size() && answered_) {
    context_.stop();
    return;
  }
  tick_.expires_after(options_.timeout);
  tick_.async_wait([this](error_code cancelled) {
    if (cancelled)
      await_last();
    else if (!answered_)
      throw failure("no answer to the last registration");
    else
      context_.stop();
  });
}

} // namespace nacre::bench
