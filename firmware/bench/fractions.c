/* Reads sums of fractions from a text, "12/34+5/6;", and writes the reduced results, "107/102;".

   A state machine over characters, greatest common divisors, and numbers written by division. */

#include "program.h"

#define BASE 10

static struct texts {
    char sums[SUMS * 20 + 1], results[SUMS * 22];
    uint32_t numbers[SUMS][4];
    uint32_t base;
} texts[HEED_HARTS] BENCH_DATA;

/* Writes a number without dividing: digits from the highest power of the base that is not above. */
static char *put(char *to, uint32_t number)
{
    uint32_t power = 1;

    while (number / BASE >= power)
        power *= BASE;
    for (; power; power /= BASE) {
        char digit = '0';
        for (; number >= power; number -= power)
            digit++;
        *to++ = digit;
    }
    return to;
}

void prepare(void)
{
    struct texts *t = &texts[heed_hart_id()];
    char *to = t->sums;
    uint32_t state = 4;

    t->base = BASE;
    for (unsigned i = 0; i < SUMS; i++)
        for (unsigned j = 0; j < 4; j++) {
            t->numbers[i][j] = 1 + (bench_random(&state) >> 20) % (j % 2 ? 2000 : 9000);
            to = put(to, t->numbers[i][j]);
            *to++ = "/+/;"[j];
        }
    *to = 0;
    t->results[0] = 0;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static char *write(char *to, uint32_t number, uint32_t base)
{
    char digits[10];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + number % base);
        number /= base;
    } while (number);
    while (count)
        *to++ = digits[--count];
    return to;
}

void work(void)
{
    struct texts *t = &texts[heed_hart_id()];
    uint32_t numbers[4] = {0}, base = t->base;
    unsigned which = 0;
    char *to = t->results;

    for (const char *from = t->sums; *from; from++) {
        char c = *from;
        if (c >= '0' && c <= '9') {
            numbers[which] = numbers[which] * base + (uint32_t)(c - '0');
        } else if (c == '/' || c == '+') {
            numbers[++which & 3] = 0;
        } else if (c == ';') {
            uint32_t over = numbers[0] * numbers[3] + numbers[2] * numbers[1];
            uint32_t under = numbers[1] * numbers[3];
            uint32_t divisor = common_divisor(over, under);
            to = write(to, over / divisor, base);
            *to++ = '/';
            to = write(to, under / divisor, base);
            *to++ = ';';
            numbers[0] = 0;
            which = 0;
        }
    }
    *to = 0;
}

/* Greatest common divisor by halving and subtracting. */
static uint32_t halved_divisor(uint32_t a, uint32_t b)
{
    uint32_t twos = 0;

    for (; !((a | b) & 1); a >>= 1, b >>= 1)
        twos++;
    while (a != b) {
        if (!(a & 1))
            a >>= 1;
        else if (!(b & 1))
            b >>= 1;
        else if (a > b)
            a -= b;
        else
            b -= a;
    }
    return a << twos;
}

static uint32_t read(const char **from)
{
    uint32_t number = 0;

    for (; **from >= '0' && **from <= '9'; ++*from)
        number = number * BASE + (uint32_t)(**from - '0');
    return number;
}

/* Every result is the sum, and reduced: both times the divisor give what was to be reduced. */
int right(void)
{
    struct texts *t = &texts[heed_hart_id()];
    const char *from = t->results;

    for (unsigned i = 0; i < SUMS; i++) {
        uint32_t *n = t->numbers[i];
        uint32_t over = n[0] * n[3] + n[2] * n[1], under = n[1] * n[3];
        uint32_t divisor = halved_divisor(over, under);
        if (read(&from) * divisor != over || *from++ != '/')
            return 0;
        if (read(&from) * divisor != under || *from++ != ';')
            return 0;
    }
    return *from == 0;
}
