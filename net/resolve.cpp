#include "net/resolve.hpp"

#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace nacre {

namespace net = boost::asio;
using boost::system::error_code;

void resolve(net::ip::tcp::resolver& resolver, const std::string& host, std::uint16_t port,
             std::function<void(error_code, const resolved_endpoints&)> done) {
  auto finish = [&](error_code failed, resolved_endpoints found) {
    net::post(resolver.get_executor(),
              [done, failed, found = std::move(found)] { done(failed, found); });
  };
  auto service = std::to_string(port);
  error_code is_name;
  auto address = net::ip::make_address(host, is_name);
  if (!is_name)
    return finish({}, resolved_endpoints::create({address, port}, host, service));
  if (host.empty())
    return finish(net::error::host_not_found, {});
  try {
    resolver.async_resolve(host, service, net::ip::tcp::resolver::numeric_service, done);
  } catch (const boost::system::system_error& failure) {
    finish(failure.code(), {});
  }
}

} // namespace nacre
