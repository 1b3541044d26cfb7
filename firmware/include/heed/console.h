/* Text to the terminal. */
#ifndef HEED_CONSOLE_H
#define HEED_CONSOLE_H

#include "heed/device.h"

static inline void heed_putc(char character)
{
    heed_write(HEED_HOST_BASE + HEED_HOST_CONSOLE, (uint8_t)character);
}

/* Writes a text as it is, without a line end. */
void heed_puts(const char *text);

/* %c %s %d %u %x %%, with a width and a leading 0 for zero padding. 32-bit values only. */
void heed_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
