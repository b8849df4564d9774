#include <utility>

#include "http/net/http_get.hpp"

#include <memory>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "net/resolve.hpp"

namespace nacre {

namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using tcp = net::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t header_bytes_max = 8 * 1024;

/// Lives as long as an operation of it is under way. The deadline answers for a name server that
/// keeps the resolver waiting: that wait cannot be ended, only overlooked.
class get_call : public std::enable_shared_from_this<get_call> {
public:
  get_call(net::io_context& io, http_get_request request, std::function<void(http_get_result)> done)
    : what_(std::move(request)),
      done_(std::move(done)),
      resolver_(io),
      socket_(io),
      deadline_(io),
      buffer_(header_bytes_max + what_.body_bytes_max) {}

  void start() {
    deadline_.expires_after(what_.timeout);
    deadline_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled)
        self->finish("no answer within " + std::to_string(self->what_.timeout.count()) + " ms");
    });
    resolve(resolver_, what_.host, what_.port,
            [self = shared_from_this()](error_code ec, const resolved_endpoints& endpoints) {
              if (self->goes_on(ec))
                self->connect(endpoints);
            });
  }

private:
  void connect(const resolved_endpoints& endpoints) {
    net::async_connect(socket_, endpoints,
                       [self = shared_from_this()](error_code ec, const tcp::endpoint&) {
                         if (self->goes_on(ec))
                           self->ask();
                       });
  }

  void ask() {
    const bool is_v6 = what_.host.find(':') != what_.host.npos;
    request_.version(11);
    request_.method(http::verb::get);
    request_.target(what_.target);
    request_.set(http::field::host,
                 (is_v6 ? '[' + what_.host + ']' : what_.host) + ':' + std::to_string(what_.port));
    request_.set(http::field::user_agent, "nacre/" NACRE_VERSION);
    request_.keep_alive(false);
    http::async_write(socket_, request_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (self->goes_on(ec))
        self->read();
    });
  }

  void read() {
    answer_.header_limit(header_bytes_max);
    answer_.body_limit(what_.body_bytes_max);
    http::async_read(
      socket_, buffer_, answer_, [self = shared_from_this()](error_code ec, std::size_t) {
        if (self->goes_on(ec))
          self->finish(self->answer_.get().result() == http::status::ok
                         ? ""
                         : "status " + std::to_string(self->answer_.get().result_int()));
      });
  }

  /// False: the call is over, by this error or before.
  bool goes_on(error_code ec) {
    if (ec)
      finish(ec.message());
    return done_ != nullptr;
  }

  void finish(std::string problem) {
    const auto done = std::exchange(done_, nullptr);
    if (!done)
      return;
    error_code ignored;
    deadline_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
    auto body = problem.empty() ? std::move(answer_.get().body()) : std::string();
    done({std::move(problem), std::move(body)});
  }

  const http_get_request what_;
  std::function<void(http_get_result)> done_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  net::steady_timer deadline_;
  boost::beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response_parser<http::string_body> answer_;
};

} // namespace

void http_get(net::io_context& io, http_get_request request,
              std::function<void(http_get_result)> done) {
  std::make_shared<get_call>(io, std::move(request), std::move(done))->start();
}

} // namespace nacre
