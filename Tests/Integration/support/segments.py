"""The record's files, read by their description in Sources/Audit/Format/SegmentFormat.swift and nothing else."""

import hashlib
import struct

HEADER, FRAME_HEADER, HASH, LEAF = 128, 64, 32, 4096


def sha256(data):
    return hashlib.sha256(data).digest()


def check_chain(folder):
    """Computes every hash and follows every link; how many entries and how many leaves there are."""
    entries = leaves = 0
    link = bytes(HASH)
    for path in sorted(folder.glob("*.sluice")):
        data = path.read_bytes()
        magic, version, size, number = struct.unpack_from("<8sIIQ", data)
        assert (magic, version, size) == (b"SLUICE\r\n", 2, HEADER) and number == int(path.stem)
        assert data[64:96] == link and data[96:128] == sha256(data[:96])
        first, = struct.unpack_from("<Q", data, 32)
        assert first == entries
        previous, at = data[96:128], HEADER
        while at < len(data):
            mark, size, first, count = struct.unpack_from("<4sIQI", data, at)
            assert mark == b"SLFR" and first == entries
            header, body = data[at:at + FRAME_HEADER], data[at + FRAME_HEADER:at + size - HASH]
            assert header[32:] == previous
            hashes = [sha256(body[start:start + LEAF]) for start in range(0, len(body), LEAF)]
            previous = data[at + size - HASH:at + size]
            assert previous == sha256(header + b"".join(hashes)), f"{path.name} at {at}"
            entries += count
            leaves += len(hashes)
            at += size
        link = previous
    return entries, leaves
