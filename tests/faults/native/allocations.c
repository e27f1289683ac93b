/* Counts every thread's allocations, when it is loaded before the C library (LD_PRELOAD).
 *
 * Owns the C library's allocating functions and a table of (thread id, count); leaves the memory to
 * glibc. `allocations_of(thread id)` is read by the test through ctypes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS_MAX = 256 };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct {
  int64_t thread;
  uint64_t count;
} table[THREADS_MAX];
static uint32_t used;
static __thread uint64_t *own;

static void count(void) {
  static uint64_t overflow;
  if (!own) {
    uint32_t place = __atomic_fetch_add(&used, 1, __ATOMIC_SEQ_CST);
    own = place < THREADS_MAX ? &table[place].count : &overflow;
    if (place < THREADS_MAX)
      __atomic_store_n(&table[place].thread, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
  }
  __atomic_fetch_add(own, 1, __ATOMIC_RELAXED);
}

uint64_t allocations_of(int64_t thread) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < THREADS_MAX; i++)
    if (__atomic_load_n(&table[i].thread, __ATOMIC_SEQ_CST) == thread)
      sum += __atomic_load_n(&table[i].count, __ATOMIC_RELAXED);
  return sum;
}

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  count();
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **made, size_t alignment, size_t size) {
  count();
  *made = __libc_memalign(alignment, size);
  return *made ? 0 : 12; /* ENOMEM */
}
