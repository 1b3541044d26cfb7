/* Operators on the cores, bit for bit sw_model.
 *
 * A matrix is its first element, its rows' distance in bytes, and its numbers of rows and columns.
 * Every hart of a team calls a kernel with the same job; each does its share, any sizes. No kernel
 * waits for the others: put a barrier before whoever reads the result.
 *
 * Inside, jobs are copied first: they lie in slow memory, and a compiler must reload fields after
 * every store of a byte.
 *
 * A kernel heed_x has a structure heed_x, whose fields are pointers, uint32_t and int32_t:
 * heed.toolchain.kernels reads them from these headers. */
#ifndef HEED_KERNELS_H
#define HEED_KERNELS_H

#include "convolution/convolution.h"
#include "dialect/dialect.h"
#include "elementwise/elementwise.h"
#include "kernel.h"
#include "matrix/attention.h"
#include "matrix/linear.h"
#include "norm/norm.h"
#include "tokens/tokens.h"

#endif
