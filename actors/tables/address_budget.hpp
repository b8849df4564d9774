#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace nacre {

/// What those who ask may have of something, most of the time bytes of memory: in all, for each
/// address and for each connection, so that nobody takes it all. Any thread, one short lock; what
/// is small, or gone at once, never comes here.
class address_budget {
public:
  struct bounds {
    std::size_t all;
    std::size_t address;
    std::size_t connection;
  };

  explicit address_budget(bounds max) : max_(max) {}

  /// What one answer, body or the like takes; gives it back when it goes.
  class share {
  public:
    share() = default;
    share(share&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        address_(std::move(other.address_)),
        connection_(std::move(other.connection_)),
        size_(other.size_) {}
    share& operator=(share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(address_, other.address_);
      std::swap(connection_, other.connection_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~share() {
      if (budget_)
        budget_->give_back(*this);
    }

    /// False if it was refused, and for none.
    explicit operator bool() const { return budget_ != nullptr; }

    std::size_t size() const { return size_; }

  private:
    friend class address_budget;
    share(address_budget* budget, std::string address, std::string connection)
      : budget_(budget), address_(std::move(address)), connection_(std::move(connection)) {}

    address_budget* budget_ = nullptr;
    std::string address_;
    std::string connection_;
    std::size_t size_ = 0;
  };

  /// An empty share at a bound. One is always admitted where there is no other, however large it
  /// is.
  /// @param connection tells those of an address apart; empty for one that is bounded otherwise
  share take(const std::string& address, std::size_t size, const std::string& connection = {});

  /// Has `x`, which `take` gave, take so much more. @returns false at a bound; it stays as it is
  bool extend(share& x, std::size_t more);

  struct figures {
    bounds max;
    std::size_t used, peak;
    std::uint64_t refused;
    /// Who has most.
    std::string largest_user;
    std::size_t largest_use;
  };
  figures now() const;

private:
  using sums = std::map<std::string, std::size_t>;

  /// @param own what the share has that wants more
  static bool has_room(const sums& all, const std::string& key, std::size_t own, std::size_t more,
                       std::size_t max);
  static void subtract(sums& all, const std::string& key, std::size_t size);
  void give_back(const share& x);

  const bounds max_;
  mutable std::mutex lock_;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
  std::uint64_t refused_ = 0;
  sums by_address_;
  sums by_connection_;
};

} // namespace nacre
