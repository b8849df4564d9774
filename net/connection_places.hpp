#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace nacre {

/// How many connections a port has, in all and from each address. Shared by the port and its
/// connections, as one of these may outlive the other. Any thread.
class connection_places : public std::enable_shared_from_this<connection_places> {
public:
  explicit connection_places(std::size_t per_address_max) : per_address_max_(per_address_max) {}

  /// The place of one connection, given back when it goes.
  class place {
  public:
    place(std::shared_ptr<connection_places> of, std::string address)
      : of_(std::move(of)), address_(std::move(address)) {}
    place(place&&) noexcept = default;
    place& operator=(place&&) = delete;
    ~place() {
      if (of_)
        of_->give_back(address_);
    }

    /// Of the other end, IPv4 as such.
    const std::string& address() const { return address_; }

  private:
    std::shared_ptr<connection_places> of_;
    std::string address_;
  };

  /// Nothing if the address has as many as it may.
  std::optional<place> take(const std::string& address);

  std::size_t taken() const { return taken_; }

private:
  void give_back(const std::string& address);

  const std::size_t per_address_max_;
  std::atomic<std::size_t> taken_{0};
  std::mutex lock_;
  std::map<std::string, std::size_t> by_address_;
};

using connection_place = connection_places::place;

} // namespace nacre
