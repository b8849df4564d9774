#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <utility>

namespace nacre {

/// A list that nearly always has one item, which stands in it; more of them stand elsewhere. Its
/// own share is eight bytes.
template <class T>
class few {
public:
  using value_type = T;
  using const_iterator = const T*;

  few() {}
  few(std::initializer_list<T> xs) : few(xs.begin(), xs.end()) {}
  template <std::input_iterator Iterator>
  few(Iterator first, Iterator last) {
    reserve(static_cast<std::size_t>(std::distance(first, last)));
    for (; first != last; ++first)
      push_back(*first);
  }
  few(const few& x) : few(x.begin(), x.end()) {}
  few(few&& x) noexcept { take(x); }
  few& operator=(few x) noexcept {
    clear();
    take(x);
    return *this;
  }
  ~few() { clear(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return capacity_ > 1 ? many_ : &one_; }
  T* end() { return begin() + size_; }
  const T* begin() const { return capacity_ > 1 ? many_ : &one_; }
  const T* end() const { return begin() + size_; }
  T& front() { return *begin(); }
  const T& front() const { return *begin(); }
  T& operator[](std::size_t i) { return begin()[i]; }
  const T& operator[](std::size_t i) const { return begin()[i]; }

  void reserve(std::size_t wanted) {
    if (wanted <= capacity_)
      return;
    auto made = std::allocator<T>().allocate(wanted);
    auto size = size_;
    std::uninitialized_move(begin(), end(), made);
    clear();
    many_ = made;
    size_ = size;
    capacity_ = static_cast<std::uint32_t>(wanted);
  }

  void push_back(T x) {
    if (size_ == capacity_)
      reserve(2 * std::size_t{capacity_});
    ::new (static_cast<void*>(end())) T(std::move(x));
    ++size_;
  }

private:
  void clear() {
    std::destroy(begin(), end());
    if (capacity_ > 1)
      std::allocator<T>().deallocate(many_, capacity_);
    size_ = 0;
    capacity_ = 1;
  }

  /// This one is empty.
  void take(few& x) noexcept {
    if (x.capacity_ > 1) {
      many_ = x.many_;
      size_ = std::exchange(x.size_, 0);
      capacity_ = std::exchange(x.capacity_, 1);
    } else if (!x.empty()) {
      ::new (static_cast<void*>(&one_)) T(std::move(x.one_));
      size_ = 1;
      x.clear();
    }
  }

  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 1;
  union {
    T one_;
    T* many_;
  };
};

} // namespace nacre
