/* Console output: puts and a small printf (%c %s %d %u %x %%, zero padding, width, l ignored). */

#include "heed/console.h"

#include <stdarg.h>
#include <stdbool.h>

void heed_puts(const char *text)
{
    while (*text)
        heed_putc(*text++);
}

static void put_padded(const char *digits, int length, int width, char pad)
{
    for (; width > length; width--)
        heed_putc(pad);
    for (int i = 0; i < length; i++)
        heed_putc(digits[i]);
}

static void put_number(uint32_t value, unsigned base, bool negative, int width, char pad)
{
    char buffer[12];
    int at = sizeof buffer;

    do {
        buffer[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative && pad == '0') {
        heed_putc('-');
        width--;
    } else if (negative) {
        buffer[--at] = '-';
    }
    put_padded(buffer + at, (int)sizeof buffer - at, width, pad);
}

static int length_of(const char *text)
{
    int length = 0;
    while (text[length])
        length++;
    return length;
}

void heed_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            heed_putc(*format);
            continue;
        }
        char pad = *++format == '0' ? '0' : ' ';
        int width = 0;
        for (; *format >= '0' && *format <= '9'; format++)
            width = 10 * width + (*format - '0');
        while (*format == 'l')
            format++;
        if (*format == 'd') {
            int32_t value = va_arg(args, int32_t);
            put_number(value < 0 ? -(uint32_t)value : (uint32_t)value, 10, value < 0, width, pad);
        } else if (*format == 'u') {
            put_number(va_arg(args, uint32_t), 10, false, width, pad);
        } else if (*format == 'x') {
            put_number(va_arg(args, uint32_t), 16, false, width, pad);
        } else if (*format == 's') {
            const char *text = va_arg(args, const char *);
            put_padded(text, length_of(text), width, ' ');
        } else if (*format == 'c') {
            heed_putc((char)va_arg(args, int));
        } else if (*format == '%') {
            heed_putc('%');
        } else {
            break; /* an unknown conversion or the end of the text */
        }
    }
    va_end(args);
}
