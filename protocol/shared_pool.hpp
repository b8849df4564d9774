#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace nacre {

/// Keeps equal values once, with the count of those who use each; a value that nobody uses goes.
/// `Hash` gives a hash under the key of this process, since strangers choose the values. Any
/// thread; a short lock on one of many parts, and none to copy what one has already.
template <class Value, class Hash>
class shared_pool {
public:
  struct entry {
    const Value value;
    entry* next;
    std::atomic<std::uint32_t> users;
    const std::uint32_t hash;
  };

  /// The entry of a value that equals `x`, one use counted.
  entry* acquire(Value x) {
    auto hash = static_cast<std::uint32_t>(Hash{}(x));
    auto& p = part_of(hash);
    std::lock_guard guard(p.lock);
    for (auto i = p.first(hash); i; i = i->next)
      if (i->hash == hash && i->value == x) {
        i->users.fetch_add(1, std::memory_order_relaxed);
        return i;
      }
    if (p.size == p.buckets.size())
      p.grow();
    ++p.size;
    auto& first = p.buckets[p.bucket_of(hash)];
    return first = new entry{std::move(x), first, 1, hash};
  }

  static void add_user(entry* x) { x->users.fetch_add(1, std::memory_order_relaxed); }

  void release(entry* x) {
    // The last use ends under the lock only: nobody can find an entry that is about to go.
    auto users = x->users.load(std::memory_order_relaxed);
    while (users > 1)
      if (x->users.compare_exchange_weak(users, users - 1, std::memory_order_release))
        return;
    {
      auto& p = part_of(x->hash);
      std::lock_guard guard(p.lock);
      if (x->users.fetch_sub(1, std::memory_order_acq_rel) > 1)
        return;
      p.unlink(x);
    }
    delete x;
  }

  /// Number of different values.
  std::size_t size() const {
    std::size_t n = 0;
    for (auto& p : parts_) {
      std::lock_guard guard(p.lock);
      n += p.size;
    }
    return n;
  }

private:
  static constexpr std::size_t parts_count = 64;

  struct part {
    mutable std::mutex lock;
    std::size_t size = 0;
    /// A power of two of them; the low bits of a hash have chosen the part.
    std::vector<entry*> buckets;

    std::size_t bucket_of(std::uint32_t hash) const {
      return hash / parts_count & (buckets.size() - 1);
    }

    entry* first(std::uint32_t hash) const {
      return buckets.empty() ? nullptr : buckets[bucket_of(hash)];
    }

    void grow() {
      auto old = std::exchange(buckets, std::vector<entry*>(buckets.empty() ? 4 : 2 * size));
      for (auto x : old)
        while (x) {
          auto& first = buckets[bucket_of(x->hash)];
          auto next = std::exchange(x->next, first);
          first = std::exchange(x, next);
        }
    }

    void unlink(entry* x) {
      auto at = &buckets[bucket_of(x->hash)];
      while (*at != x)
        at = &(*at)->next;
      *at = x->next;
      if (--size == 0)
        buckets = {};
    }
  };

  part& part_of(std::uint32_t hash) { return parts_[hash % parts_count]; }

  std::array<part, parts_count> parts_;
};

/// One use of a value in the pool of its kind; none for the empty value. Eight bytes. Any thread
/// may copy it.
template <class Value, class Hash>
class pooled {
public:
  pooled() = default;
  explicit pooled(Value x) : entry_(x.empty() ? nullptr : pool().acquire(std::move(x))) {}
  pooled(const pooled& x) : entry_(x.entry_) {
    if (entry_)
      pool_type::add_user(entry_);
  }
  pooled(pooled&& x) noexcept : entry_(std::exchange(x.entry_, nullptr)) {}
  pooled& operator=(pooled x) noexcept {
    std::swap(entry_, x.entry_);
    return *this;
  }
  ~pooled() {
    if (entry_)
      pool().release(entry_);
  }

  const Value& value() const {
    static const Value none;
    return entry_ ? entry_->value : none;
  }
  bool empty() const { return !entry_; }

  friend bool operator==(const pooled& a, const pooled& b) {
    return a.entry_ == b.entry_ || a.value() == b.value();
  }

  /// Number of different values in the process.
  static std::size_t distinct() { return pool().size(); }

private:
  using pool_type = shared_pool<Value, Hash>;

  /// Never destroyed: values may outlive everything else.
  static pool_type& pool() {
    static auto& x = *new pool_type;
    return x;
  }

  typename pool_type::entry* entry_ = nullptr;
};

} // namespace nacre
