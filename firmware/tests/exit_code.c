/* Ends with the status CODE, by main's value. */

int main(void)
{
    return CODE;
}
