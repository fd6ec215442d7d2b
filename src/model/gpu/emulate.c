// Runs a kernel of kernels.cu on a CPU, one block after another. A block's threads run concurrently, so that its barriers
// take effect:
//     emulate KERNEL BLOCKS BYTES,... NUMBER,...  <ARRAYS >FIRST_ARRAY
// The arrays are concatenated in the order of the kernel's pointers, with lengths BYTES. A NUMBER that contains a point is
// a float.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL static void
#define DEVICE static
#define SHARED static
#define SYNCHRONIZE() pthread_barrier_wait(&barrier)

typedef struct {
    unsigned x;
} Index;
static __thread Index threadIdx, blockIdx;
static Index blockDim = {8}, gridDim;
static pthread_barrier_t barrier;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static float __uint_as_float(unsigned bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static unsigned __float_as_uint(float x) {
    unsigned bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static void atomicAdd(float *sum, float x) {
    pthread_mutex_lock(&lock);
    *sum += x;
    pthread_mutex_unlock(&lock);
}

#include "kernels.cu"

static const char *kernel;
static void *array[5];
static long long number[4];
static float real;

static void run(void) {
#define IS(NAME) (strcmp(kernel, #NAME) == 0)
    void **a = array;
    long long *n = number;
    if (IS(lstm_forward)) lstm_forward(a[0], a[1], a[2], a[3], a[4], n[0], n[1], n[2]);
    else if (IS(lstm_backward)) lstm_backward(a[0], a[1], a[2], a[3], a[4], n[0], n[1], n[2], n[3]);
    else if (IS(softmax_statistics_f32)) softmax_statistics_f32(a[0], a[1], a[2], a[3], n[0]);
    else if (IS(softmax_statistics_bf16)) softmax_statistics_bf16(a[0], a[1], a[2], a[3], n[0]);
    else if (IS(softmax_gradient_f32)) softmax_gradient_f32(a[0], a[1], a[2], a[3], real, n[0]);
    else if (IS(softmax_gradient_bf16)) softmax_gradient_bf16(a[0], a[1], a[2], a[3], real, n[0]);
    else if (IS(dropout)) dropout(a[0], a[1], n[0], n[1], real, n[2]);
    else if (IS(embedding_gradient)) embedding_gradient(a[0], a[1], a[2], n[0], n[1]);
    else exit(2);
}

static void *thread(void *index) {
    threadIdx.x = (unsigned)(size_t)index;
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++) {
        run();
        pthread_barrier_wait(&barrier); // the next block uses the same shared memory
    }
    return NULL;
}

int main(int count, char **argument) {
    if (count != 5) return 2;
    kernel = argument[1];
    gridDim.x = (unsigned)atoi(argument[2]);
    size_t first = 0;
    int arrays = 0, numbers = 0;
    for (char *next = strtok(argument[3], ","); next && arrays < 5; next = strtok(NULL, ","), arrays++) {
        size_t bytes = (size_t)atol(next);
        array[arrays] = malloc(bytes);
        if (fread(array[arrays], 1, bytes, stdin) != bytes) return 3;
        if (arrays == 0) first = bytes;
    }
    for (char *next = strtok(argument[4], ","); next && numbers < 4; next = strtok(NULL, ",")) {
        if (strchr(next, '.')) real = (float)atof(next);
        else number[numbers++] = atoll(next);
    }
    pthread_barrier_init(&barrier, NULL, blockDim.x);
    pthread_t threads[8];
    for (size_t k = 0; k < blockDim.x; k++) pthread_create(&threads[k], NULL, thread, (void *)k);
    for (size_t k = 0; k < blockDim.x; k++) pthread_join(threads[k], NULL);
    return fwrite(array[0], 1, first, stdout) == first ? 0 : 4;
}
