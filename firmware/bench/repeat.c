/* Every hart does the work REPEATS times and hands out how many instructions it executed. */

#include "heed/host.h"
#include "program.h"

int main(void)
{
    prepare();
    for (unsigned pass = 0; pass < REPEATS; pass++)
        work();
    int status = !right();
    heed_mailbox(HEED_CSR_READ(minstret));
    return status;
}
