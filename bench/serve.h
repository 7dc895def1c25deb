/* amble-bench nets --serve: loads networks and times them on request, for bench/compare.py, so that amble's
 * calls are timed without Python.
 *
 * Orders are lines on standard input, words separated by tabs; the answer to each is one line of JSON on
 * standard output, {"error": "…"} if it failed. The program ends at the end of input or with "quit". Between
 * orders it sleeps.
 *
 *   load NAME FILE PRECISION        → inputs, outputs, kernel, precision, weight_bytes, ms (reading,
 *                                   choosing, packing), choice (in words)
 *   inputs NAME FILE ROWS COUNT     COUNT × ROWS rows as raw float32: what `time` and `run` take
 *   run NAME ROWS THREADS FILE      writes the outputs of the first input as raw float32
 *   time NAME ROWS THREADS SECONDS  → n, min, p50, p99, p99.9, max, mean (µs), had_core
 *   memory                          → resident, proportional, private (kB) of this process
 *   quit */
#ifndef AMI_BENCH_SERVE_H
#define AMI_BENCH_SERVE_H

int bench_serve(void);

#endif
