#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace nacre {

/// Bytes of answers and pushes that clients have not taken yet, in all, for each address and for
/// each connection, so that clients which ask for much and read nothing cost little. Any thread,
/// one short lock; small answers that are taken at once never come here.
class answer_budget {
public:
  struct bounds {
    // Bytes.
    std::size_t all;
    std::size_t address;
    std::size_t connection;
  };

  explicit answer_budget(bounds max) : max_(max) {}

  /// The bytes of one answer under way; gives them back when it goes.
  class share {
  public:
    share() = default;
    share(share&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        address_(std::move(other.address_)),
        connection_(std::move(other.connection_)),
        bytes_(other.bytes_) {}
    share& operator=(share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(address_, other.address_);
      std::swap(connection_, other.connection_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~share() {
      if (budget_)
        budget_->give_back(*this);
    }

    /// False if the bytes were refused, and for none.
    explicit operator bool() const { return budget_ != nullptr; }

  private:
    friend class answer_budget;
    share(answer_budget* budget, std::string address, std::string connection, std::size_t bytes)
      : budget_(budget),
        address_(std::move(address)),
        connection_(std::move(connection)),
        bytes_(bytes) {}

    answer_budget* budget_ = nullptr;
    std::string address_;
    std::string connection_;
    std::size_t bytes_ = 0;
  };

  /// An empty share at a bound. One answer is always admitted if nothing else is under way, however
  /// long it is.
  /// @param connection tells those of an address apart; empty for one that is bounded otherwise
  share take(const std::string& address, std::size_t bytes, const std::string& connection = {});

  struct figures {
    bounds max;
    std::size_t used, peak;
    std::uint64_t refused;
    /// Who has most under way.
    std::string largest_user;
    std::size_t largest_use;
  };
  figures now() const;

private:
  using sums = std::map<std::string, std::size_t>;

  static bool has_room(const sums& all, const std::string& key, std::size_t bytes, std::size_t max);
  static void subtract(sums& all, const std::string& key, std::size_t bytes);
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
