#!/usr/bin/env python3
"""Records what zlib sends in SSH: streams.txt, for the tests of package inflate.

A stream is a line "stream NAME" and one line per packet: the compressed bytes in
hex, the length of the payload and its SHA-256.
"""
import hashlib
import random
import zlib

PARTIAL, SYNC = 1, 2  # zlib.h
WORDS = "channel window data packet close open request reply shell exec subsystem sftp the of and\n".split(" ")


def text(r, n):
    out = " ".join(r.choice(WORDS) for _ in range(n // 4 + 1))
    return out[:n].encode()


def noise(r, n):
    return bytes(r.getrandbits(8) for _ in range(n))


def payloads(kind, r):
    if kind == "typing":
        return [b"\x5e\x00\x00\x00\x00\x00\x00\x00\x01" + bytes([97 + i % 26]) for i in range(40)]
    if kind == "text":
        return [text(r, n) for n in (1, 2, 30, 300, 3000, 300, 0, 8000, 25000, 7)]
    if kind == "noise":
        return [noise(r, n) for n in (1, 100, 1000, 3000, 5)]
    if kind == "mixed":
        return [text(r, 500), noise(r, 500), bytes(32768), text(r, 500), noise(r, 20), b"a" * 258, b"ab" * 600]
    if kind == "far":  # the second half repeats what is just within the window
        block = noise(r, 4000)
        return [block, text(r, 28000), block[:600], text(r, 3000), block[3000:]]


def record(f, name, kind, level, strategy, flush):
    c = zlib.compressobj(level, zlib.DEFLATED, 15, 8, strategy)
    f.write("stream %s\n" % name)
    for p in payloads(kind, random.Random(kind)):
        piece = c.compress(p) + c.flush(flush)
        f.write("%s %d %s\n" % (piece.hex() or "-", len(p), hashlib.sha256(p).hexdigest()))


with open("streams.txt", "w") as f:
    for flush, flush_name in (PARTIAL, "partial"), (SYNC, "sync"):
        for kind in "typing", "text", "noise", "mixed", "far":
            record(f, "%s-6-%s" % (kind, flush_name), kind, 6, zlib.Z_DEFAULT_STRATEGY, flush)
    record(f, "text-1-partial", "text", 1, zlib.Z_DEFAULT_STRATEGY, PARTIAL)
    record(f, "text-0-partial", "typing", 0, zlib.Z_DEFAULT_STRATEGY, PARTIAL)
    record(f, "text-huffman-partial", "text", 6, zlib.Z_HUFFMAN_ONLY, PARTIAL)
    record(f, "text-fixed-partial", "text", 6, zlib.Z_FIXED, PARTIAL)
    record(f, "mixed-rle-partial", "mixed", 6, zlib.Z_RLE, PARTIAL)
