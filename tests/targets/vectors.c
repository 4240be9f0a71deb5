/* Keeps patterns in the vector registers for a while and says how many of them have changed meanwhile.
   Nothing but the loop runs in between, so only somebody from outside can change them. */
#include <string.h>

#define LOAD(n) "vmovdqu " #n "*32(%1), %%ymm" #n "\n"
#define STORE(n) "vmovdqu %%ymm" #n ", " #n "*32(%1)\n"
#define LOAD_WIDE(n) "vmovdqu64 " #n "*64(%1), %%zmm" #n "\n"
#define STORE_WIDE(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%1)\n"
#define EACH_OF_16(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
#define EACH_OF_32(f) EACH_OF_16(f) f(16) f(17) f(18) f(19) f(20) f(21) f(22) f(23) \
    f(24) f(25) f(26) f(27) f(28) f(29) f(30) f(31)
#define LOWER "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
    "xmm12", "xmm13", "xmm14", "xmm15"

static unsigned char pattern(int number) { return (unsigned char)(0x40 + 5 * number); }

static void fill(unsigned char *bytes, int registers, int width)
{
    for (int n = 0; n < registers; n++)
        memset(bytes + n * width, pattern(n), width);
}

static long changed(const unsigned char *bytes, int registers, int width)
{
    unsigned char sound[64];
    long found = 0;
    for (int n = 0; n < registers; n++) {
        memset(sound, pattern(n), width);
        found += memcmp(bytes + n * width, sound, width) != 0;
    }
    return found;
}

static long narrow(long turns)
{
    unsigned char bytes[16 * 32];
    fill(bytes, 16, 32);
    __asm__ volatile(EACH_OF_16(LOAD) "1: dec %0\n jnz 1b\n" EACH_OF_16(STORE) "vzeroupper\n"
                     : "+r"(turns) : "r"(bytes) : "memory", "cc", LOWER);
    return changed(bytes, 16, 32);
}

__attribute__((target("avx512f"))) static long wide(long turns)
{
    unsigned char bytes[32 * 64];
    fill(bytes, 32, 64);
    __asm__ volatile(EACH_OF_32(LOAD_WIDE) "1: dec %0\n jnz 1b\n" EACH_OF_32(STORE_WIDE) "vzeroupper\n"
                     : "+r"(turns) : "r"(bytes) : "memory", "cc", LOWER, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20",
                     "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
    return changed(bytes, 32, 64);
}

/* Bytes per register that are looked at: 64, 32, or 0 where the processor has no AVX. */
int width(void)
{
    return __builtin_cpu_supports("avx512f") ? 64 : __builtin_cpu_supports("avx2") ? 32 : 0;
}

/* Turns a loop so often, about a nanosecond each; returns the number of registers that have changed. */
long keep(long turns)
{
    return width() == 64 ? wide(turns) : narrow(turns);
}
