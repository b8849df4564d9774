#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/base/clocks.hpp"

namespace nacre {

/// The one delay-task engine, used wherever changes are told to others: tasks of one
/// key merge, the first of a quiet key is due at once, more within the window after it fire
/// together at the window's end. A failed task comes back with a delay of its own. No clock and no
/// actor; the caller brings the time in ms and asks when to come again.
///
/// `Task` has `void merge(Task&& newer)`.
template <class Key, class Task, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class delay_tasks {
public:
  /// @param window length of the merge window after a key fired
  /// @param tasks_max pending tasks at most; `submit` refuses one more
  delay_tasks(milliseconds window, std::size_t tasks_max)
    : window_(window), tasks_max_(tasks_max) {}

  /// Adds a task or merges it into the pending one of its key. A storm of changes can't postpone
  /// a pending task. @returns false if there are too many tasks.
  bool submit(const Key& key, Task task, steady_time now) {
    auto i = keys_.find(key);
    auto due = now;
    if (i != keys_.end())
      due = std::max(now, i->second.quiet_from);
    return add(i, key, std::move(task), due);
  }

  /// Adds a task that is due after `delay`, no matter whether the key is quiet.
  bool submit_later(const Key& key, Task task, steady_time now, milliseconds delay) {
    return add(keys_.find(key), key, std::move(task), now + delay);
  }

  /// Takes the tasks that are due, `tasks_max` of them at most, and opens their keys' windows;
  /// quiet keys are forgotten.
  std::vector<std::pair<Key, Task>>
  take_due(steady_time now, std::size_t tasks_max = std::numeric_limits<std::size_t>::max()) {
    std::vector<std::pair<Key, Task>> due;
    while (due.size() < tasks_max && !order_.empty() && order_.front().due <= now) {
      auto key = order_.front().key;
      pop();
      auto i = keys_.find(key);
      if (i == keys_.end())
        continue;
      auto& x = i->second;
      if (x.task && x.due <= now) {
        due.emplace_back(std::move(key), std::move(*x.task));
        x.task.reset();
        --pending_;
        x.quiet_from = now + window_;
        push({x.quiet_from, i->first});
      } else if (!x.task && x.quiet_from <= now) {
        keys_.erase(i);
      }
    }
    return due;
  }

  /// When `take_due` has to be called again, nothing if never.
  std::optional<steady_time> next_due() const {
    return order_.empty() ? std::nullopt : std::optional(order_.front().due);
  }

  std::size_t pending() const { return pending_; }

private:
  struct entry {
    std::optional<Task> task;
    steady_time due{};
    steady_time quiet_from{};
  };

  struct moment {
    steady_time due;
    Key key;
    bool operator<(const moment& other) const { return due > other.due; }
  };

  using map = std::unordered_map<Key, entry, Hash, Equal>;

  bool add(typename map::iterator i, const Key& key, Task task, steady_time due) {
    if (i != keys_.end() && i->second.task) {
      i->second.task->merge(std::move(task));
      if (due < i->second.due) {
        i->second.due = due;
        push({due, key});
      }
      return true;
    }
    if (pending_ >= tasks_max_)
      return false;
    auto& x = i != keys_.end() ? i->second : keys_[key];
    x.task = std::move(task);
    x.due = due;
    ++pending_;
    push({due, key});
    return true;
  }

  void push(moment x) {
    order_.push_back(std::move(x));
    std::push_heap(order_.begin(), order_.end());
  }

  void pop() {
    std::pop_heap(order_.begin(), order_.end());
    order_.pop_back();
  }

  milliseconds window_;
  std::size_t tasks_max_;
  std::size_t pending_ = 0;
  map keys_;
  /// A heap; entries whose key has moved on are dropped when they come up.
  std::vector<moment> order_;
};

} // namespace nacre
