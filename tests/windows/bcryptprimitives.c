/* Wine before 9 lacks bcryptprimitives.dll. Rust's standard library needs this one function of it, and Windows 10 has it. */
#include <stddef.h>

unsigned char __stdcall SystemFunction036(void *bytes, unsigned long length);

__declspec(dllexport) int ProcessPrng(unsigned char *bytes, size_t length) {
  return SystemFunction036(bytes, (unsigned long)length);
}
