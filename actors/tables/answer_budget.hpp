#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace nacre {

/// Bytes of answers and pushes that clients have not taken yet, in all and for each address, so
/// that clients which ask for much and read nothing cost little. Any thread, one short lock; small
/// answers that are taken at once never come here.
class answer_budget {
public:
  /// @param all_max,address_max bytes
  answer_budget(std::size_t all_max, std::size_t address_max)
    : all_max_(all_max), address_max_(address_max) {}

  /// The bytes of one answer under way; gives them back when it goes.
  class share {
  public:
    share() = default;
    share(share&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        address_(std::move(other.address_)),
        bytes_(other.bytes_) {}
    share& operator=(share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(address_, other.address_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~share() {
      if (budget_)
        budget_->give_back(address_, bytes_);
    }

    /// False if the bytes were refused, and for none.
    explicit operator bool() const { return budget_ != nullptr; }

  private:
    friend class answer_budget;
    share(answer_budget* budget, std::string address, std::size_t bytes)
      : budget_(budget), address_(std::move(address)), bytes_(bytes) {}

    answer_budget* budget_ = nullptr;
    std::string address_;
    std::size_t bytes_ = 0;
  };

  /// An empty share at a bound. One answer is always admitted if nothing else is under way, however
  /// long it is.
  share take(const std::string& address, std::size_t bytes);

  struct figures {
    std::size_t max, address_max, used, peak;
    std::uint64_t refused;
    /// Who has most under way.
    std::string largest_user;
    std::size_t largest_use;
  };
  figures now() const;

private:
  void give_back(const std::string& address, std::size_t bytes);

  const std::size_t all_max_;
  const std::size_t address_max_;
  mutable std::mutex lock_;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
  std::uint64_t refused_ = 0;
  std::map<std::string, std::size_t> by_address_;
};

} // namespace nacre
