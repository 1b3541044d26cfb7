/* CRC-32 (polynomial 0xedb88320) of a message, a byte at a time with a table of 256 words. */

#include "program.h"

#define POLYNOMIAL 0xedb88320u

static struct message {
    uint32_t table[256];
    uint8_t bytes[BYTES];
    uint32_t crc;
} messages[HEED_HARTS] BENCH_DATA;

static uint32_t step(uint32_t crc)
{
    return crc >> 1 ^ (POLYNOMIAL & -(crc & 1));
}

void prepare(void)
{
    struct message *m = &messages[heed_hart_id()];
    uint32_t state = 2;

    m->crc = 0;
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t crc = value;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = step(crc);
        m->table[value] = crc;
    }
    for (unsigned i = 0; i < BYTES; i++)
        m->bytes[i] = (uint8_t)(bench_random(&state) >> 24);
}

void work(void)
{
    struct message *m = &messages[heed_hart_id()];
    uint32_t crc = ~0u;

    for (unsigned i = 0; i < BYTES; i++)
        crc = crc >> 8 ^ m->table[(crc ^ m->bytes[i]) & 255];
    m->crc = ~crc;
}

/* The same bit by bit, without the table. */
int right(void)
{
    struct message *m = &messages[heed_hart_id()];
    uint32_t crc = ~0u;

    for (unsigned i = 0; i < BYTES; i++) {
        crc ^= m->bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = step(crc);
    }
    return m->crc == ~crc;
}
