/* The one function of Windows' bcryptprimitives.dll that Rust's library calls. Wine before 9 lacks the library. */

#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
    return RtlGenRandom(data, (ULONG)size);
}
