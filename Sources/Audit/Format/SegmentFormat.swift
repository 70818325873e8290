// Segment files: `NNNNNNNN.sluice`, counted up from 00000001, append-only. A header, then frames; each frame
// is one batch of entries with the hash of everything in it and of the frame before, so that no byte can be changed,
// and no frame removed or moved, without the next hash being wrong. All numbers are little-endian.
//
//   segment header, 128 bytes
//     0 "SLUICE\r\n"   8 version u32 = 2   12 header bytes u32 = 128   16 segment number u64
//    24 created, wall clock ns u64   32 sequence of the first entry u64   40 process id u64   48 zero
//    64 link: last hash of the segment before, 32 bytes (zeros in the first)   96 SHA-256 of bytes 0..<96
//   frame
//     0 "SLFR"   4 frame bytes u32   8 sequence of the first entry u64   16 entries u32   20 process u32
//    24 written, wall clock ns u64   32 previous hash, 32 bytes   64 entries (EntryFormat.swift)
//    last 32 bytes: SHA-256 of the frame's first 64 bytes and of the hashes of its leaves
//
// A leaf is 4096 bytes of the entries, the last one of a frame what is left; its hash is its SHA-256. So leaves can be hashed side by
// side. In segments of version 1, which are read but not written any more, the last 32 bytes are the SHA-256 of everything
// before in the frame.
//
// Process is a number that every process chooses anew, 0 in older files: where it changes, calls that were open before can
// never end any more.
//
// The previous hash of a segment's first frame is the hash in the segment's header, whose link is the last hash of the
// segment before (of its header, when it has no frames). Sequences count entries, without gaps, over all segments.
//
// Worked example: segment 2 after a segment whose last hash was H, then a frame with the 40-byte entry shown in
// EntryFormat.swift as entry number 1000:
//      0  53 4c 55 49 43 45 0d 0a  01 00 00 00  80 00 00 00  02 00 00 00 00 00 00 00  …created…
//     32  e8 03 00 00 00 00 00 00  …process… 16 zeros   64 H   96 S = SHA-256(bytes 0..<96)
//    128  53 4c 46 52  88 00 00 00  e8 03 00 00 00 00 00 00  01 00 00 00  00 00 00 00  …written…     136 bytes long
//    160  S                                                                          the previous hash
//    192  28 00 00 00 02 00 02 00 …                                                  the entry, 40 bytes
//    232  SHA-256(bytes 128..<192, SHA-256(bytes 192..<232))                         links to the next frame

/// Sizes and marks of the layout above.
package enum SegmentFormat {
  package static let headerBytes = 128
  /// "SLUICE\r\n": shows what the file is, and breaks when it was mangled as text.
  package static let magic: UInt64 = 0x0a0d_4543_4955_4c53
  package static let version: UInt32 = 2
  /// The version whose frames were hashed in one piece. Only read.
  package static let versionWithoutLeaves: UInt32 = 1

  package static let frameHeaderBytes = 64
  package static let hashBytes = 32
  /// Bytes of entries that are hashed together.
  package static let leafBytes = 4096
  /// "SLFR"
  package static let frameMagic: UInt32 = 0x5246_4c53
  /// Longest frame a reader accepts: a full batch of the largest setting and one entry over.
  package static let frameBytesMax = 16 << 20

  /// File name of segment `number`.
  package static func name(of number: UInt32) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits + ".sluice"
  }
}

/// A SHA-256 value.
package struct AuditHash: BitwiseCopyable, Equatable, Sendable {
  var words: (UInt64, UInt64, UInt64, UInt64)

  /// The link of the first segment.
  package static let zero = AuditHash(words: (0, 0, 0, 0))

  init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  package static func == (left: AuditHash, right: AuditHash) -> Bool { left.words == right.words }

  /// Reads 32 bytes at `offset`.
  package init(_ bytes: RawSpan, at offset: Int) {
    unsafe words = (
      bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self),
      bytes.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self),
      bytes.unsafeLoadUnaligned(fromByteOffset: offset + 16, as: UInt64.self),
      bytes.unsafeLoadUnaligned(fromByteOffset: offset + 24, as: UInt64.self)
    )
  }

  /// 64 hexadecimal digits.
  package var hexadecimal: String {
    var text = ""
    for word in [words.0, words.1, words.2, words.3] {
      for byte in 0..<8 {
        let value = UInt8(truncatingIfNeeded: word >> UInt64(byte * 8))
        text += value < 16 ? "0" : ""
        text += String(value, radix: 16)
      }
    }
    return text
  }
}

/// What a segment's header says.
package struct SegmentHeader: BitwiseCopyable, Equatable, Sendable {
  package var version: UInt32
  package var number: UInt32
  package var createdNanoseconds: UInt64
  package var firstSequence: UInt64
  package var process: UInt64
  package var link: AuditHash
  /// Hash of the header itself: the first frame's previous hash.
  package var hash: AuditHash

  /// Reads 128 bytes; nil unless they are a header of a version that is known, with the right hash.
  package init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= SegmentFormat.headerBytes,
      bytes.number(at: 0, as: UInt64.self) == SegmentFormat.magic,
      bytes.number(at: 12, as: UInt32.self) == UInt32(SegmentFormat.headerBytes),
      let number = UInt32(exactly: bytes.number(at: 16, as: UInt64.self))
    else { return nil }
    version = bytes.number(at: 8, as: UInt32.self)
    guard version == SegmentFormat.version || version == SegmentFormat.versionWithoutLeaves
    else { return nil }
    self.number = number
    createdNanoseconds = bytes.number(at: 24, as: UInt64.self)
    firstSequence = bytes.number(at: 32, as: UInt64.self)
    process = bytes.number(at: 40, as: UInt64.self)
    link = AuditHash(bytes, at: 64)
    hash = AuditHash(bytes, at: 96)
    var digest = Digest()
    digest.update(bytes.extracting(0..<96))
    guard digest.finish() == hash else { return nil }
  }
}

/// What a frame's header says.
package struct FrameHeader: BitwiseCopyable, Equatable, Sendable {
  package var frameBytes: Int
  package var firstSequence: UInt64
  package var entries: Int
  package var writtenNanoseconds: UInt64
  package var previous: AuditHash
  /// The same for all frames of one process, another for the next process; 0 in files of older versions.
  package var process: UInt32

  /// Reads 64 bytes; nil unless they can be a frame's header.
  package init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= SegmentFormat.frameHeaderBytes,
      bytes.number(at: 0, as: UInt32.self) == SegmentFormat.frameMagic
    else { return nil }
    frameBytes = Int(bytes.number(at: 4, as: UInt32.self))
    firstSequence = bytes.number(at: 8, as: UInt64.self)
    entries = Int(bytes.number(at: 16, as: UInt32.self))
    writtenNanoseconds = bytes.number(at: 24, as: UInt64.self)
    previous = AuditHash(bytes, at: 32)
    process = bytes.number(at: 20, as: UInt32.self)
    let least = SegmentFormat.frameHeaderBytes + SegmentFormat.hashBytes
    guard frameBytes > least, frameBytes <= SegmentFormat.frameBytesMax, frameBytes % 8 == 0
    else { return nil }
  }
}

extension RawSpan {
  /// The little-endian number at `offset`, which must lie inside.
  package func number<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Number.Type
  ) -> Number {
    unsafe Number(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
  }
}
