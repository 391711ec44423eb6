// What a function that worked with keys may leave behind.
#pragma once

// Overwrites the 4 KiB of the stack below its caller, where functions that it called before had their variables, and all
// vector registers: the dynamic linker saves those on the stack whenever it resolves a function.
void osnova_burn_traces(void);
