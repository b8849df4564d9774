// Preloaded into a node, so that its wall clock can be stepped while it runs and those of others
// are as they were. The clock is that of the machine and the nanoseconds in the file STEPPED_CLOCK;
// steady clocks are not touched. A wait until a moment of the wall clock ends sooner or later when
// that is stepped, as the kernel does it; gRPC waits so for its timers. (libfaketime hangs in a
// program with jemalloc, and knows nothing of waits that are system calls.)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

// How late a wait notices a step.
enum { LATE_NS = 50 * 1000 * 1000 };

static const int64_t second = 1000 * 1000 * 1000;
static const int64_t not_stepped = 0;
static const volatile int64_t* ahead_ns = &not_stepped;

__attribute__((constructor)) static void map_file(void) {
  const char* path = getenv("STEPPED_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void* mapped = mmap(NULL, sizeof *ahead_ns, PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED)
    abort();
  ahead_ns = mapped;
}

static int64_t in_ns(const struct timespec* x) {
  const int64_t for_ever = INT64_MAX / 4;
  return x->tv_sec < for_ever / second ? x->tv_sec * second + x->tv_nsec : for_ever;
}

static struct timespec moment(int64_t ns) {
  return (struct timespec){.tv_sec = ns / second, .tv_nsec = ns % second};
}

// -- the clock -----------------------------------------------------------------------------------

static int machines_clock(clockid_t id, struct timespec* out) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) // the allocator asks before any constructor ran
    real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  return real(id, out);
}

int clock_gettime(clockid_t id, struct timespec* out) {
  int failed = machines_clock(id, out);
  if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
    *out = moment(in_ns(out) + *ahead_ns);
  return failed;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out)
    *out = now.tv_sec;
  return now.tv_sec;
}

// -- waits until a moment of it ------------------------------------------------------------------

// That moment of the machine's clock, but at most LATE_NS from now; whether it is over.
static int is_over(const struct timespec* end, struct timespec* until) {
  struct timespec now;
  machines_clock(CLOCK_REALTIME, &now);
  int64_t left = in_ns(end) - *ahead_ns - in_ns(&now);
  *until = moment(in_ns(&now) + (left < LATE_NS ? left : LATE_NS));
  return left <= 0;
}

int pthread_cond_timedwait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex,
                           const struct timespec* restrict end) {
  struct timespec until;
  if (is_over(end, &until)) // the mutex is let go for a moment nevertheless
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &until);
  int result = pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &until);
  // Not again before the caller looked: it may have been told meanwhile.
  return result == ETIMEDOUT && !is_over(end, &until) ? 0 : result;
}

long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real)
    real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  long x[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; ++i)
    x[i] = va_arg(arguments, long);
  va_end(arguments);
  const struct timespec* end = (const struct timespec*)x[3];
  int is_timed = number == SYS_futex && (x[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET
                 && (x[1] & FUTEX_CLOCK_REALTIME) && end;
  if (!is_timed)
    return real(number, x[0], x[1], x[2], x[3], x[4], x[5]);
  for (;;) {
    struct timespec until;
    int last = is_over(end, &until);
    long result = real(number, x[0], x[1], x[2], &until, x[4], x[5]);
    if (result == 0 || errno != ETIMEDOUT || last)
      return result;
  }
}
